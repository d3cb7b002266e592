const calm = 300 // ms that all has to be saved before the mark says so
const patience = 1500 // ms that a state has to last to be read out

// showState keeps #connection and #saved, which never claim more than is known,
// and reads out what lasts.
export function showState (provider, saved, readonly) {
  const connection = document.getElementById('connection')
  const mark = document.getElementById('saved')
  const spoken = document.getElementById('spoken')
  let status = 'connecting'
  let told = ''
  let settle, speak

  const draw = () => {
    connection.textContent = status
    connection.dataset.state = status
    const text = readonly ? 'Read only' : !saved.loaded ? 'Loading…' : saved.all ? 'Saved' : status === 'connected' ? 'Saving…' : 'Not saved: offline'
    clearTimeout(settle)
    settle = undefined
    if (text === 'Saved' && mark.textContent === 'Saving…') settle = setTimeout(() => say(text), calm)
    else say(text)
  }
  const say = text => {
    mark.textContent = text
    mark.dataset.state = text === 'Saved' ? 'saved' : text.startsWith('Not') ? 'unsaved' : 'waiting'
    clearTimeout(speak)
    speak = setTimeout(() => {
      const now = `${status}. ${text}`
      if (text !== 'Saving…' && now !== told) spoken.textContent = told = now
    }, patience)
  }

  provider.on('status', event => {
    // It is connecting again and again while there is no network.
    status = event.status === 'connected' ? 'connected' : event.status === 'connecting' && !saved.loaded && provider.wsUnsuccessfulReconnects === 0 ? 'connecting' : 'offline'
    draw()
  })
  provider.on('connection-close', () => {
    status = 'offline'
    draw()
  })
  saved.onChange(draw)
  draw()

  addEventListener('online', () => provider.shouldConnect && provider.connect())
  addEventListener('beforeunload', event => {
    if (!readonly && !saved.all) event.preventDefault()
  })
}
