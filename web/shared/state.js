const calm = 300 // ms for which everything must be saved before the mark says so
const patience = 1500 // ms for which a state must last before a screen reader reads it

// showState updates #connection and #saved, which never claim more than is known,
// and #spoken, which screen readers read.
export function showState ({ saved, retry, onAccess, status: connected }, readonly) {
  const connection = document.getElementById('connection')
  const mark = document.getElementById('saved')
  const spoken = document.getElementById('spoken')
  let status = 'connecting'
  let next = '' // the text of #spoken, once it has lasted
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
    if (!saved.all && status !== 'connected') return `Not saved: ${status === 'closed' ? status : 'offline'}`
    if (!saved.loaded) return status === 'closed' ? 'Not loaded' : 'Loading…'
    return saved.all ? 'Saved' : 'Saving…'
  }
  const say = text => {
    clearTimeout(settle)
    settle = undefined
    mark.textContent = text
    mark.dataset.state = text === 'Saved' ? 'saved' : text.startsWith('Not') ? 'unsaved' : 'waiting'
    const now = `${connection.textContent}. ${text}`
    if (now === next) return
    next = now
    clearTimeout(speak)
    speak = setTimeout(() => { spoken.textContent = now }, patience)
  }

  connected.on(now => {
    status = now
    draw()
  })
  onAccess(now => {
    readonly = now
    draw()
  })
  saved.onChange(draw)
  draw()

  addEventListener('online', retry)
  addEventListener('beforeunload', event => {
    if (!readonly && !saved.all) event.preventDefault()
  })
}
