const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl+'

// toolbar fills element with controls: a list of the kinds of paragraph, and buttons.
// It returns a function that shows their state, to be called when the editor's state has
// changed. The toolbar is one stop of the Tab key; the arrow keys move from one control
// to the next.
//
// A kind has a label, run(), and on(), which reports whether the selection is in one
// such paragraph. A button has a label, maybe a longer name and a key, run(), able(),
// and on() if it can be pressed; null is a gap.
export function toolbar (element, kinds, buttons) {
  const select = document.createElement('select')
  select.ariaLabel = 'Kind of paragraph'
  select.append(...kinds.map(({ label }) => new Option(label)), new Option('Mixed'))
  select.lastChild.hidden = true
  select.addEventListener('change', () => kinds[select.selectedIndex]?.run())
  element.append(select)
  const drawn = []
  for (const button of buttons) {
    if (!button) {
      element.append(Object.assign(document.createElement('span'), { className: 'gap' }))
      continue
    }
    const { label, name = label, key, run } = button
    const control = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: label,
      title: key ? `${name} (${mod}${key})` : name
    })
    control.dataset.command = label.toLowerCase()
    control.addEventListener('mousedown', event => event.preventDefault()) // the editor keeps its focus
    control.addEventListener('click', () => {
      if (control.ariaDisabled !== 'true') run()
    })
    element.append(control)
    drawn.push({ ...button, control })
  }
  rove(element)

  return () => {
    const at = kinds.findIndex(({ on }) => on())
    select.selectedIndex = at < 0 ? kinds.length : at
    for (const { control, able, on } of drawn) {
      if (on) control.ariaPressed = String(on())
      control.ariaDisabled = String(!able())
    }
  }
}

function rove (element) {
  const controls = [...element.querySelectorAll('select, button')]
  const reach = control => {
    for (const other of controls) other.tabIndex = other === control ? 0 : -1
  }
  reach(controls[0])
  element.addEventListener('focusin', event => reach(event.target))
  element.addEventListener('keydown', event => {
    const at = controls.indexOf(event.target)
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: controls.length - 1 }[event.key]
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    controls.at(to % controls.length).focus()
  })
}
