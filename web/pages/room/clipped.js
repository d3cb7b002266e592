const characters = 2000 // that are shown at first
const lines = 24

// clipped makes an element for a text that may be long: its beginning is shown,
// and a button shows all of it.
export function clipped (label) {
  const element = document.createElement('div')
  const pre = document.createElement('pre')
  const button = document.createElement('button')
  let text = ''
  let whole = false
  pre.tabIndex = 0
  pre.setAttribute('role', 'region')
  pre.setAttribute('aria-label', label)
  button.type = 'button'
  button.addEventListener('click', () => {
    whole = !whole
    draw()
  })
  element.append(pre, button)

  const draw = () => {
    const beginning = text.slice(0, characters).split('\n', lines).join('\n').toWellFormed()
    const long = text.length > beginning.length
    const shown = long && !whole ? beginning + '…' : text
    if (pre.textContent !== shown) pre.textContent = shown
    pre.classList.toggle('whole', long && whole)
    button.hidden = !long
    const does = whole ? 'Show less' : `Show all ${text.length.toLocaleString('en')} characters`
    if (button.textContent !== does) button.textContent = does
  }
  return {
    element,
    set (newText) {
      text = newText
      draw()
    }
  }
}
