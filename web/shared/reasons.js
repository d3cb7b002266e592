// The words for a close code, or for the status with which an upgrade was refused, if the
// server gives no reason.
const words = {
  400: 'No room can have this name.',
  401: 'You are not logged in.',
  403: 'You may not open this room.',
  404: 'The server has no rooms at this address.',
  429: 'There are too many connections from your network.',
  503: 'The server has too much to do.',
  1001: 'The server is shutting down.',
  1002: 'The server could not read what this page has sent.',
  1007: 'The server could not read what this page has sent.',
  1008: 'What this page has sent breaks a rule of the server.',
  1009: 'A change is larger than the server accepts in one message.',
  1011: 'The server made a mistake.',
  1012: 'The server is restarting.',
  1013: 'The server has too much to do.',
  4401: 'Your authorization has expired.',
  4403: 'You may not be in this room any more.',
  4404: 'This room was deleted.',
  4409: 'This document was set back to an earlier state.'
}

// sentence returns a reason as a sentence, or the words for the code if it is empty.
export function sentence (code, reason = '') {
  const text = reason.trim() || words[code] || ''
  return text === '' || /[.!?]$/.test(text) ? capital(text) : capital(text) + '.'
}

const capital = text => text.charAt(0).toUpperCase() + text.slice(1)

// isFinal reports whether another connection would be closed with this code, or refused
// with this status, too. 4408 is not final: it closes a Hocuspocus socket if a login took too
// long.
export function isFinal (code) {
  if (code < 1000) return code < 500 && ![408, 425, 429].includes(code)
  return [1002, 1003, 1007, 1008, 1009].includes(code) || (code >= 4400 && code < 4500 && code !== 4408)
}

const patience = 5000 // ms

// whyRefused returns the status and the reason with which the server refuses WebSockets at
// an address, or undefined if it accepts them or doesn't answer. A page can't read the
// response to its WebSocket. Any other request to the same address has the same response.
// It is a POST, because browsers send the origin with that.
export async function whyRefused (address) {
  try {
    const response = await fetch(address.replace(/^ws/, 'http'), { method: 'POST', cache: 'no-store', signal: AbortSignal.timeout(patience) })
    if (response.ok || response.status === 426) return undefined
    const plain = response.headers.get('Content-Type')?.startsWith('text/plain')
    return { code: response.status, reason: plain ? (await response.text()).slice(0, 300) : '' }
  } catch {
    return undefined
  }
}
