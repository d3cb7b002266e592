import { arrange } from '../../shared/arrange.js'
import { say } from '../../shared/follow.js'

const step = 200 // how many children are shown at first, and how many more at once

// newTree returns a tree that shows nodes (see nodes.js) and follows their changes. It is
// used by the arrow keys, as trees in a desktop program are, or by a pointer.
export function newTree (label) {
  const element = document.createElement('ul')
  element.className = 'tree'
  element.setAttribute('role', 'tree')
  element.setAttribute('aria-label', label)
  const root = { list: element, items: new Map(), limit: step }
  let drawn = false

  const draw = nodes => {
    drawChildren(root, nodes, drawn)
    drawn = true
    if (!element.querySelector('[tabindex="0"]')) element.querySelector('li')?.setAttribute('tabindex', '0')
    return nodes.length
  }

  element.addEventListener('click', event => {
    const line = event.target.closest('li')
    if (!line) return
    line.item.act()
    if (line.isConnected) focus(line)
  })
  element.addEventListener('keydown', event => {
    const line = event.target.closest('li')
    if (!line || event.altKey || event.ctrlKey || event.metaKey) return
    const { item } = line
    const lines = [...element.querySelectorAll('li')]
    const go = to => to && focus(to)
    switch (event.key) {
      case 'ArrowDown': go(lines[lines.indexOf(line) + 1]); break
      case 'ArrowUp': go(lines[lines.indexOf(line) - 1]); break
      case 'Home': go(lines[0]); break
      case 'End': go(lines.at(-1)); break
      case 'ArrowRight':
        if (item.node?.children && !item.open) item.act()
        else if (item.open) go(line.querySelector('li'))
        break
      case 'ArrowLeft':
        if (item.open) item.act()
        else go(line.parentElement.closest('li'))
        break
      case 'Enter': case ' ': item.act(); break
      default: return
    }
    event.preventDefault()
  })

  const focus = line => {
    for (const other of element.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1
    line.tabIndex = 0
    line.focus()
  }
  return { element, draw }
}

// drawChildren shows nodes in the list of an item. Nodes that it had before stay, with
// their children. If live is set, it marks what is new.
function drawChildren (parent, nodes, live) {
  const old = parent.items
  const shown = nodes.slice(0, parent.limit)
  parent.items = new Map(shown.map(node => [node.id, old.get(node.id) ?? newItem(parent.level ?? 0, live)]))
  for (const [id, item] of old) if (!parent.items.has(id)) leave(item.element)
  for (const node of shown) parent.items.get(node.id).set(node, live)
  const elements = [...parent.items.values()].map(item => item.element)
  const left = nodes.length - shown.length
  if (left > 0) {
    parent.more ??= newMore(parent)
    parent.more.item.act = () => {
      parent.limit += step
      drawChildren(parent, nodes, false)
    }
    say(parent.more.firstElementChild, `${left.toLocaleString('en')} more`)
    elements.push(parent.more)
  } else if (parent.more) {
    leave(parent.more)
    parent.more = undefined
  }
  arrange(parent.list, elements)
}

// leave removes an element. If the focus is in it, its neighbour gets the focus.
function leave (element) {
  const next = element.contains(document.activeElement) && (element.nextElementSibling ?? element.previousElementSibling ?? element.parentElement.closest('li'))
  element.remove()
  if (!next) return
  next.tabIndex = 0
  next.focus()
}

function newLine (level) {
  const element = document.createElement('li')
  element.setAttribute('role', 'treeitem')
  element.setAttribute('aria-level', String(level + 1))
  element.tabIndex = -1
  return element
}

function newMore (parent) {
  const element = newLine(parent.level ?? 0)
  const line = document.createElement('div')
  line.className = 'node more'
  element.append(line)
  element.item = {}
  return element
}

function newItem (level, isNew) {
  const element = newLine(level)
  const line = document.createElement('div')
  line.className = 'node'
  const [label, kind, text] = ['b', 'small', 'span'].map(name => document.createElement(name))
  line.append(label, ' ', kind, ' ', text)
  element.append(line)
  const item = { element, level: level + 1, items: new Map(), limit: step, open: false }
  element.item = item

  item.set = (node, live) => {
    const first = item.node === undefined
    const shown = node.text()
    const changed = !first && (text.textContent !== shown || kind.textContent !== node.kind)
    item.node = node
    say(label, node.label)
    say(kind, node.kind)
    say(text, shown)
    if (live && (changed || (first && isNew))) flash(line)
    if (!node.children) close()
    else if (item.open) drawChildren(item, node.children(), live)
    else if (first && level === 0) open()
    else element.ariaExpanded = 'false'
  }
  item.act = () => {
    if (item.open) close()
    else if (item.node.children) open()
  }
  const open = () => {
    item.open = true
    item.list = document.createElement('ul')
    item.list.setAttribute('role', 'group')
    element.append(item.list)
    element.ariaExpanded = 'true'
    drawChildren(item, item.node.children(), false)
  }
  const close = () => {
    if (item.open) item.list.remove()
    Object.assign(item, { open: false, items: new Map(), limit: step, more: undefined })
    element.ariaExpanded = item.node.children ? 'false' : null
  }
  return item
}

// flash marks a line for a moment.
function flash (line) {
  line.classList.remove('changed')
  requestAnimationFrame(() => line.classList.add('changed'))
}
