const pause = 3000 // ms between two questions for the worker

// word returns a random word, with which the consumer that accepts the page's socket
// names its cookie.
export function word () {
  return Array.from(crypto.getRandomValues(new Uint8Array(10)), byte => (byte % 36).toString(36)).join('')
}

// showServed shows in #served which consumer the page's socket is connected to, and
// which worker runs the room. A proxy may pass other requests to another consumer, so
// the consumer is read from a cookie, which is in the response to the socket. A server
// that sets none is not asked for the worker either.
export function showServed ({ status }, room, tab) {
  const element = document.getElementById('served')
  let consumer, worker, timer
  let connected = false

  const draw = () => {
    const text = worker && worker !== consumer ? `${consumer} → ${worker}` : consumer
    if (element.textContent !== text) element.textContent = text
    element.hidden = false
    element.title = `Consumer ${consumer}, worker ${worker ?? 'unknown'}`
  }
  const ask = async () => {
    clearTimeout(timer)
    if (!consumer || !connected || document.hidden) return
    try {
      const response = await fetch('/served.json?' + new URLSearchParams({ room }), { cache: 'no-store' })
      if (response.ok) worker = (await response.json()).worker || undefined
    } catch {} // the bar says that the page is offline
    draw()
    clearTimeout(timer)
    timer = setTimeout(ask, pause)
  }

  status.on(now => {
    connected = now === 'connected'
    if (!connected) return
    consumer = take(`yroom-consumer-${tab}`) ?? consumer
    ask()
  })
  document.addEventListener('visibilitychange', ask)
}

// take removes a cookie and returns its value.
function take (name) {
  const value = document.cookie.split('; ').find(cookie => cookie.startsWith(name + '='))?.slice(name.length + 1)
  document.cookie = `${name}=; path=/; max-age=0; samesite=strict`
  return value
}
