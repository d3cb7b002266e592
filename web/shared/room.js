import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import { showPeople } from './people.js'
import { Saved } from './saved.js'
import { showServerView } from './server-view.js'
import { showState } from './state.js'

// enter joins the room that the page's address names, /DEMO/ROOM, and brings
// the bar to life. asText gives what the page shows of a document, as the
// server's is shown. Call connect() on the provider once the editor is there.
export function enter (asText) {
  const [demo, ...rest] = location.pathname.slice(1).split('/')
  const room = decodeURIComponent(rest.join('/'))
  const readonly = new URLSearchParams(location.search).has('readonly')

  const doc = new Y.Doc()
  const provider = new WebsocketProvider(location.origin.replace(/^http/, 'ws') + '/ws', encodeURIComponent(room), doc, {
    connect: false,
    disableBc: true, // what another tab knows, the server may not have stored
    params: readonly ? { readonly: '' } : {}
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
    } catch { // the page may not, as plain http from another machine may not
      prompt('The link to this room:', location.href)
    }
    clearTimeout(wait)
    wait = setTimeout(() => { button.textContent = label }, 2000)
  })
}
