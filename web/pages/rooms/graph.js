import { say } from '../../shared/follow.js'

const [width, height] = [720, 100]

const svg = (name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}

// newGraph returns the graph of a value over time. A pointer or the arrow keys choose a
// moment, which choose is called with: a time, or undefined for now.
export function newGraph (label, format, choose) {
  const element = document.createElement('div')
  element.className = 'graph'
  element.tabIndex = 0
  element.setAttribute('role', 'slider')
  element.setAttribute('aria-label', `${label}, last hour`)
  element.setAttribute('aria-valuemax', '0')
  const title = document.createElement('span')
  title.className = 'graph-label'
  title.textContent = label
  const value = document.createElement('span')
  value.className = 'graph-value'
  const top = document.createElement('span')
  top.className = 'graph-top'
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' })
  const grid = svg('path', { class: 'grid', d: `M0 ${height / 2}H${width}M0 ${height}H${width}` })
  const area = svg('path', { class: 'area' })
  const line = svg('path', { class: 'line' })
  const cursor = svg('path', { class: 'cursor' })
  picture.append(grid, area, line, cursor)
  const ends = document.createElement('span')
  ends.className = 'graph-ends'
  const [left, right] = [document.createElement('span'), document.createElement('span')]
  right.textContent = 'now'
  ends.append(left, right)
  element.append(title, value, picture, ends, top)

  let begin = 0 // the time at the left side
  let end = 0 // and at the right side
  let chosen // a time

  const x = time => ((time - begin) * width / (end - begin)).toFixed(1)

  // set shows points, [time, value] in order of time, of the last span seconds, and the value
  // at a time. Between points that are further apart than a few steps nothing is known.
  const set = (points, { newest, step, span }, at) => {
    end = newest
    begin = newest - span
    chosen = at
    say(left, moment(span))
    element.setAttribute('aria-valuemin', String(-span / 60))
    const most = scale(points.reduce((most, [, value]) => Math.max(most, value), 0), format)
    const y = value => (height - value / most * (height - 4)).toFixed(1)
    let [edge, filled, from, before] = ['', '', 0, -Infinity]
    for (const [time, value] of points) {
      if (time - before > 3 * step) {
        if (edge !== '') filled += `V${height}H${x(from)}Z`
        edge += `M${x(time)} ${y(value)}h0.1`
        filled += `M${x(time)} ${height}V${y(value)}`
        from = time
      } else {
        edge += `L${x(time)} ${y(value)}`
        filled += `L${x(time)} ${y(value)}`
      }
      before = time
    }
    line.setAttribute('d', edge)
    area.setAttribute('d', edge === '' ? '' : `${filled}V${height}H${x(from)}Z`)
    cursor.setAttribute('d', at === undefined ? '' : `M${x(at)} 0V${height}`)
    say(top, format(most))
    const shown = nearest(points, at ?? end, 3 * step)
    const past = end - (at ?? end)
    say(value, shown ? format(shown[1]) : '–')
    element.setAttribute('aria-valuenow', String(-Math.round(past / 60)))
    element.setAttribute('aria-valuetext', `${value.textContent} ${moment(past)}`)
  }

  element.addEventListener('pointermove', event => {
    const box = picture.getBoundingClientRect()
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
    choose(begin + part * (end - begin))
  })
  element.addEventListener('pointerleave', () => choose())
  element.addEventListener('blur', () => choose())
  element.addEventListener('keydown', event => {
    const minute = { ArrowLeft: -60, ArrowRight: 60, ArrowDown: -60, ArrowUp: 60, PageDown: -600, PageUp: 600 }[event.key]
    if (minute) {
      const to = Math.max(begin, (chosen ?? end) + minute)
      choose(to < end ? to : undefined)
    } else if (event.key === 'Home') choose(begin)
    else if (event.key === 'End' || event.key === 'Escape') choose()
    else return
    event.preventDefault()
  })
  return { element, set }
}

// scale returns the value of the top of a graph whose largest value is most.
function scale (most, { base = 10, least = 1 }) {
  let top = least
  const steps = base === 2 ? [2] : [2, 2.5, 2]
  for (let i = 0; top < most; i++) top *= steps[i % steps.length]
  return top
}

// nearest returns the point that is nearest to a time, if it is near enough.
function nearest (points, time, most) {
  let best
  for (const point of points) {
    const distance = Math.abs(point[0] - time)
    if (distance <= most) [best, most] = [point, distance]
  }
  return best
}

// moment formats how many seconds ago something was, in minutes.
export function moment (seconds) {
  const minutes = Math.round(seconds / 60)
  return minutes === 0 ? 'now' : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ago`
}
