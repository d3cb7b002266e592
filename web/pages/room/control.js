import { authorization, say, token } from '../../shared/follow.js'

const element = id => document.getElementById(id)
const dialog = element('control')
let send // what the button of the dialog does

// control opens a dialog that changes a connection: title and text say what happens. It
// sends body to an address of the document API, which decides, and calls done if it was done.
export function control ({ title, text, button, withReason, address, body, done }) {
  say(element('control-title'), title)
  say(element('control-text'), text)
  say(element('control-send'), button)
  say(element('control-problem'), '')
  element('reason-field').hidden = !withReason
  element('reason').value = ''
  askForToken(token.get() === '')
  send = async () => {
    const given = element('control-token')
    if (!element('control-token-field').hidden) token.set(given.value)
    given.value = ''
    const reason = element('reason').value.trim()
    const problem = await post(address, withReason && reason !== '' ? { ...body, reason } : body)
    if (problem === '') {
      dialog.close()
      done()
    } else say(element('control-problem'), problem)
  }
  dialog.showModal()
}

function askForToken (asks) {
  element('control-token-field').hidden = !asks
  element('control-token').required = asks
}

// post returns what went wrong, or ''.
async function post (address, body) {
  try {
    const response = await fetch(address, {
      method: 'POST',
      headers: { ...authorization(), 'Content-Type': 'application/json' },
      body: JSON.stringify(body)
    })
    const answer = await response.json()
    if (response.status === 401) {
      token.forget()
      askForToken(true)
    }
    if (!response.ok) return answer.detail ?? answer.title
    return answer.connections > 0 ? '' : 'The connection has ended already.'
  } catch {
    return 'The server does not answer. Try again.'
  }
}

element('control-form').addEventListener('submit', async event => {
  event.preventDefault()
  element('control-send').disabled = true
  await send()
  element('control-send').disabled = false
})
element('control-cancel').addEventListener('click', () => dialog.close())
