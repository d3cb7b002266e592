const calm = 300 // ms that all has to be saved before the mark says so
const patience = 1500 // ms that a state has to last to be read out

// showState keeps #connection and #saved, which never claim more than is known,
// and reads out what lasts.
export function showState (provider, saved, readonly) {
  const connection = document.getElementById('connection')
  const mark = document.getElementById('saved')
  const spoken = document.getElementById('spoken')
  let status = 'connecting'
  let next = '' // what is read out if it lasts
  let settle, speak

  const draw = () => {
    connection.textContent = status
    connection.dataset.state = status
    const text = wording()
    if (text === 'Saved' && mark.textContent === 'Saving…') {
      settle ??= setTimeout(() => say('Saved'), calm)
    } else {
      say(text)
    }
  }
  const wording = () => {
    if (readonly) return 'Read only'
    if (!saved.all && status !== 'connected') return 'Not saved: offline'
    if (!saved.loaded) return 'Loading…'
    return saved.all ? 'Saved' : 'Saving…'
  }
  const say = text => {
    clearTimeout(settle)
    settle = undefined
    mark.textContent = text
    mark.dataset.state = text === 'Saved' ? 'saved' : text.startsWith('Not') ? 'unsaved' : 'waiting'
    const now = `${status}. ${text}`
    if (now === next) return
    next = now
    clearTimeout(speak)
    speak = setTimeout(() => { spoken.textContent = now }, patience)
  }

  provider.on('status', event => {
    // It is connecting again and again while there is no network.
    const first = !saved.loaded && provider.wsUnsuccessfulReconnects === 0
    status = event.status === 'connected' ? 'connected' : first ? 'connecting' : 'offline'
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
