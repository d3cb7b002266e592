import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import { showPeople } from './people.js'
import { Saved } from './saved.js'
import { showServed, word } from './served.js'
import { showServerView } from './server-view.js'
import { showState } from './state.js'

// enter prepares a provider for the room in the page's address, /DEMO/ROOM, and
// sets up the bar. asText returns the text by which "Server view" shows a
// document. Call connect() on the provider once the editor exists.
export function enter (asText) {
  const [demo, ...rest] = location.pathname.slice(1).split('/')
  const room = decodeURIComponent(rest.join('/'))
  const readonly = new URLSearchParams(location.search).has('readonly')

  const tab = word()
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(location.origin.replace(/^http/, 'ws') + '/ws', encodeURIComponent(room), doc, {
    connect: false,
    disableBc: true, // another tab may have edits that the server has not stored
    params: { tab, ...(readonly ? { readonly: '' } : {}) }
  })
  const saved = new Saved(provider)

  document.title = `${room} · yroom`
  document.getElementById('room').textContent = room
  document.documentElement.classList.toggle('readonly', readonly)
  for (const link of document.querySelectorAll('#demos a')) {
    link.href = `/${link.dataset.demo}/${rest.join('/')}${location.search}`
    if (link.dataset.demo === demo) link.ariaCurrent = 'page'
  }
  showState(provider, saved, readonly)
  showPeople(provider.awareness)
  showServed(provider, room, tab)
  showServerView(saved, asText)
  copyLink()
  return { doc, provider, awareness: provider.awareness, readonly }
}

function copyLink () {
  const button = document.getElementById('copy-link')
  const label = button.textContent
  let wait
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(location.href)
      button.textContent = 'Copied'
    } catch { // the browser denies it, as for plain http from another machine
      prompt('The link to this room:', location.href)
    }
    clearTimeout(wait)
    wait = setTimeout(() => { button.textContent = label }, 2000)
  })
}
