const pause = 1000 // ms between a response and the next request
const key = 'yroom-api-token'

// The token that this tab remembers, or '' if there is none.
export const token = {
  get: () => sessionStorage.getItem(key) ?? '',
  set: value => sessionStorage.setItem(key, value.trim()),
  forget: () => sessionStorage.removeItem(key)
}

export const authorization = () => token.get() ? { Authorization: `Bearer ${token.get()}` } : {}

// follow requests the JSON at address() repeatedly while the page is visible, and
// calls show with each response. If the server denies it, #refused says why and
// asks for the token; other errors are in the element problem. It returns a function
// that sends a request at once.
export function follow (address, show, problem = document.getElementById('problem')) {
  const refused = document.getElementById('refused')
  const form = document.getElementById('token-form')
  const content = document.getElementById('content')
  let timer
  let asking // an AbortController

  const ask = async () => {
    clearTimeout(timer)
    asking?.abort()
    asking = undefined
    if (document.hidden) return
    const mine = asking = new AbortController()
    const began = performance.now()
    let again = true
    try {
      const response = await fetch(address(), {
        headers: authorization(),
        cache: 'no-store',
        signal: mine.signal
      })
      const answer = await response.json()
      if (mine !== asking) return
      again = response.status !== 401 && response.status !== 403
      refused.hidden = again
      if (response.status < 500) content.hidden = !response.ok
      if (!again) {
        say(document.getElementById('refused-reason'), answer.error)
        form.hidden = response.status === 403
        token.forget()
      }
      say(problem, again && !response.ok ? answer.error : '')
      if (response.ok) draw(answer)
    } catch {
      if (mine === asking) say(problem, 'The server does not answer. Trying again.')
    }
    // What takes long to answer or to show is requested less often.
    if (mine === asking && again) timer = setTimeout(ask, pause + 4 * (performance.now() - began))
  }

  const draw = answer => {
    try {
      show(answer)
    } catch (error) { // a client may store any value in a document
      console.error(error)
      say(problem, 'Not all of this can be shown.')
    }
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    const input = document.getElementById('token')
    if (input.value !== '') token.set(input.value) // it is empty if another follow has taken it
    input.value = ''
    ask()
  })
  document.addEventListener('visibilitychange', ask)
  ask()
  return ask
}

// bytes formats a size.
export function bytes (n) {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024
    unit++
  }
  return `${unit > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`
}

// ago formats how long ago a time was; past a day, the date.
export function ago (time) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000))
  if (seconds < 5) return 'just now'
  for (const [unit, length, end] of [['second', 1, 60], ['minute', 60, 3600], ['hour', 3600, 86400]]) {
    const n = Math.floor(seconds / length)
    if (seconds < end) return `${n} ${unit}${n === 1 ? '' : 's'} ago`
  }
  return new Date(time).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' })
}

// lastChange formats when a room's document changed, as far as the server knows.
export function lastChange (room) {
  if (room.changed) return ago(room.changed)
  return room.stored ? `stored ${ago(room.stored)}` : 'not since it was opened'
}

// say sets an element's text if it differs.
export function say (element, text) {
  if (element.textContent !== text) element.textContent = text
}

// rate formats how often something happens in a second.
export const rate = n => n.toLocaleString('en', { maximumFractionDigits: n < 10 ? 1 : 0 })
