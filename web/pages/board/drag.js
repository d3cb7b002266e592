// drag lets a user move element among its siblings by dragging handle. At the end
// it calls drop with the new index among them.
export function drag (handle, element, drop) {
  handle.addEventListener('pointerdown', event => {
    if (event.button !== 0) return
    event.preventDefault()
    handle.focus()
    handle.setPointerCapture(event.pointerId)
    element.classList.add('dragged')
    const start = event.clientY
    let moved = false

    const others = () => [...element.parentElement.children].filter(other => other !== element)
    // Returns the index of element at y: before the first sibling whose middle is below y.
    const place = y => {
      const at = others().findIndex(other => {
        const { top, height } = other.getBoundingClientRect()
        return y < top + height / 2
      })
      return at < 0 ? others().length : at
    }
    const show = at => others().forEach((other, i, all) => {
      other.classList.toggle('drop-before', moved && i === at)
      other.classList.toggle('drop-after', moved && at === all.length && i === at - 1)
    })
    const move = event => {
      moved ||= Math.abs(event.clientY - start) > 4
      element.style.translate = `0 ${event.clientY - start}px`
      show(place(event.clientY))
    }
    const end = event => {
      const at = place(event.clientY)
      const done = moved && event.type === 'pointerup'
      moved = false
      show(-1)
      element.style.translate = ''
      element.classList.remove('dragged')
      handle.removeEventListener('pointermove', move)
      handle.removeEventListener('pointerup', end)
      handle.removeEventListener('pointercancel', end)
      if (done) drop(at)
    }
    handle.addEventListener('pointermove', move)
    handle.addEventListener('pointerup', end)
    handle.addEventListener('pointercancel', end)
  })
}
