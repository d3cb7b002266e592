import * as Y from 'yjs'
import { showNames } from './caret.js'
import { showNotice } from './notice.js'
import { showPeople } from './people.js'
import { showRoots } from './roots.js'
import { showServed, word } from './served.js'
import { showServerView } from './server-view.js'
import { showState } from './state.js'

// enter connects a document to the room in the page's address, /DEMO/ROOM, and
// sets up the bar. asText returns the text by which "Server view" shows a
// document. Call connect() once the editor exists. room is the name of the room.
//
// join(room, doc, query) returns a connection that is not connected yet:
//  - provider, with the awareness
//  - saved: which edits the server has stored, as class Saved has it
//  - connect(); and retry(), which connects at once if the connection was lost
//  - status, a Status
//  - onAccess(listener): listener(readonly) is called with what the server allows,
//    if the protocol has that.
export function enter (join, asText) {
  const [demo, ...rest] = location.pathname.slice(1).split('/')
  const room = decoded(rest.join('/'))
  const query = new URLSearchParams(location.search)
  const readonly = query.has('readonly')
  const token = query.get('token') // for a server that admits clients by tokens

  const tab = word()
  const doc = new Y.Doc()
  const connection = join(room, doc, { tab, ...(readonly ? { readonly: '' } : {}), ...(token ? { token } : {}) })
  const { provider: { awareness }, saved, connect } = connection

  document.title = `${room} · yroom`
  document.getElementById('room').textContent = room
  const onAccess = listener => connection.onAccess(now => listener(readonly || now))
  const showReading = reading => document.documentElement.classList.toggle('readonly', reading)
  showReading(readonly)
  onAccess(showReading)
  for (const link of document.querySelectorAll('#demos a')) {
    link.href = `/${link.dataset.demo}/${rest.join('/')}${location.search}`
    if (link.dataset.demo === demo) link.ariaCurrent = 'page'
  }
  showState({ ...connection, onAccess }, readonly)
  showNotice(connection)
  onAccess(showPeople(awareness, readonly))
  showNames(doc, awareness)
  showServed(connection, room, tab)
  showServerView(saved, asText)
  showRoots(doc)
  copyLink()
  return { room, doc, awareness, readonly, onAccess, connect }
}

// decoded returns the name of the room, or '' if it isn't UTF-8: no room has either name, and
// the server says so.
function decoded (path) {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
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
