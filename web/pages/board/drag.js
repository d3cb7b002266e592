const edge = 60 // pixels at the top and the bottom of the scroller where a drag scrolls it
const speed = 12 // pixels that it scrolls in a frame

// drag lets a user move element to a place in one of lists() by dragging handle. At the
// end it calls drop(list, index) with the index among the list's other children. If handle
// is pressed and not dragged, it calls press().
export function drag (handle, element, scroller, lists, { drop, press }) {
  let dragged = false // the click that follows is the end of a drag
  handle.addEventListener('click', event => {
    if (!dragged || event.detail === 0) press()
    dragged = false
  })
  handle.addEventListener('pointerdown', event => {
    dragged = false
    if (event.button !== 0) return
    event.preventDefault()
    handle.focus()
    handle.setPointerCapture(event.pointerId)
    const start = { x: event.clientX, y: event.clientY, top: scroller.scrollTop }
    let last = event
    let place
    let frame

    const show = () => {
      element.style.translate = `${last.clientX - start.x}px ${last.clientY - start.y + scroller.scrollTop - start.top}px`
      const found = placeAt(lists(), element, last.clientX, last.clientY)
      if (place?.list === found.list && place.before === found.before) return
      unmark(place)
      place = found
      mark(place)
    }
    // Scrolls for as long as the pointer is at an edge.
    const scroll = () => {
      const { top, bottom } = scroller.getBoundingClientRect()
      const by = last.clientY < top + edge ? -speed : last.clientY > bottom - edge ? speed : 0
      const before = scroller.scrollTop
      scroller.scrollTop += by
      if (scroller.scrollTop !== before) show()
      frame = requestAnimationFrame(scroll)
    }
    const move = event => {
      last = event
      if (!dragged) {
        if (Math.hypot(event.clientX - start.x, event.clientY - start.y) < 5) return
        dragged = true
        element.classList.add('dragged')
        frame = requestAnimationFrame(scroll)
      }
      show()
    }
    const end = event => {
      cancelAnimationFrame(frame)
      unmark(place)
      element.style.translate = ''
      element.classList.remove('dragged')
      for (const [type, listener] of listeners) handle.removeEventListener(type, listener)
      if (event.type === 'pointerup' && place) drop(place.list, place.index)
    }
    const cancel = event => {
      if (event.key === 'Escape') end(event)
    }
    const listeners = [['pointermove', move], ['pointerup', end], ['pointercancel', end], ['keydown', cancel]]
    for (const [type, listener] of listeners) handle.addEventListener(type, listener)
  })
}

// placeAt returns the place in lists that is at a point: the nearest list, and in it
// before the first child whose middle is below the point.
function placeAt (lists, element, x, y) {
  const distance = list => {
    const { left, right, top, bottom } = list.parentElement.getBoundingClientRect()
    return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom))
  }
  const list = lists.reduce((near, other) => distance(other) < distance(near) ? other : near)
  const others = [...list.children].filter(other => other !== element)
  const at = others.findIndex(other => {
    const { top, height } = other.getBoundingClientRect()
    return y < top + height / 2
  })
  return { list, before: others[at], index: at < 0 ? others.length : at }
}

const mark = ({ list, before }) => (before ?? list).classList.add(before ? 'drop-before' : 'drop-end')
const unmark = place => place && (place.before ?? place.list).classList.remove('drop-before', 'drop-end')
