import { arrange } from '../../shared/arrange.js'
import { say } from '../../shared/follow.js'
import { clipped } from './clipped.js'
import { roots } from './nodes.js'
import { parts } from './parts.js'
import { newTree } from './tree.js'

// newDocument returns a function that shows a document, as a tree or as text.
export function newDocument () {
  const content = document.getElementById('roots')
  const choice = document.getElementById('view')
  let doc
  const tree = newTree('The document')
  const texts = newTexts()

  const draw = () => {
    const asTree = choice.value === 'tree'
    const view = asTree ? tree : texts
    if (content.firstElementChild !== view.element) content.replaceChildren(view.element)
    if (doc) document.getElementById('empty').hidden = view.draw(asTree ? roots(doc) : doc) > 0
  }
  choice.addEventListener('change', draw)
  return newDoc => {
    doc = newDoc
    draw()
  }
}

function newTexts () {
  const element = document.createElement('div')
  let drawn = new Map() // by the name and kind of the root type
  const draw = doc => {
    const old = drawn
    drawn = new Map()
    for (const [root, type] of [...doc.share].sort(([a], [b]) => a < b ? -1 : 1)) {
      for (const { kind, text } of parts(type)) {
        const id = JSON.stringify([root, kind])
        const part = old.get(id) ?? newPart(root, kind)
        drawn.set(id, part)
        part.set(text)
      }
    }
    arrange(element, [...drawn.values()].map(part => part.element))
    return drawn.size
  }
  return { element, draw }
}

function newPart (root, kind) {
  const element = document.createElement('article')
  const heading = document.createElement('h3')
  const title = document.createElement('span')
  title.textContent = root === '' ? '(no name)' : root
  const label = document.createElement('small')
  say(label, kind)
  heading.append(title, ' ', label)
  const content = clipped(`${kind} ${root}`)
  element.append(heading, content.element)
  return { element, set: content.set }
}
