const characters = 2000 // how many are shown at first
const lines = 24

// clipped returns an element for a text that may be long. It shows the beginning,
// and a button that shows all of it.
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
