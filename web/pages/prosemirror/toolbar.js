import { Plugin } from 'prosemirror-state'
import * as commands from './commands.js'
import { schema } from './schema.js'
import { askLink } from './link.js'

const { nodes, marks } = schema
const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl+'

const blocks = [
  ['Paragraph', commands.paragraph, parent => parent.type === nodes.paragraph],
  ...[1, 2, 3].map(level => [`Heading ${level}`, commands.heading(level), parent => parent.type === nodes.heading && parent.attrs.level === level]),
  ['Code', commands.codeBlock, parent => parent.type === nodes.code_block]
]

const buttons = [
  { label: 'Bold', key: 'B', command: commands.strong, on: state => commands.marked(state, marks.strong) },
  { label: 'Italic', key: 'I', command: commands.em, on: state => commands.marked(state, marks.em) },
  { label: 'Code', name: 'Inline code', key: 'E', command: commands.code, on: state => commands.marked(state, marks.code) },
  { label: 'Link', command: askLink, on: state => commands.marked(state, marks.link) },
  null,
  { label: 'Bullets', name: 'Bullet list', key: 'Shift+8', command: commands.bullets, on: state => commands.within(state, nodes.bullet_list) },
  { label: 'Numbers', name: 'Numbered list', key: 'Shift+7', command: commands.numbers, on: state => commands.within(state, nodes.ordered_list) },
  { label: 'Quote', key: 'Shift+9', command: commands.quote, on: state => commands.within(state, nodes.blockquote) },
  null,
  { label: 'Undo', key: 'Z', command: commands.undo },
  { label: 'Redo', key: 'Shift+Z', command: commands.redo }
]

// toolbar fills element with the controls. It is one stop of the Tab key; the
// arrow keys move from one control to the next.
export function toolbar (element) {
  return new Plugin({
    view: view => {
      const run = command => {
        command(view.state, view.dispatch, view)
        view.focus()
      }
      const select = document.createElement('select')
      select.ariaLabel = 'Kind of paragraph'
      select.append(...blocks.map(([label]) => new Option(label)), new Option('Mixed'))
      select.lastChild.hidden = true
      select.addEventListener('change', () => blocks[select.selectedIndex] && run(blocks[select.selectedIndex][1]))
      element.append(select)
      const drawn = []
      for (const button of buttons) {
        if (!button) {
          element.append(Object.assign(document.createElement('span'), { className: 'gap' }))
          continue
        }
        const { label, name = label, key, command } = button
        const control = Object.assign(document.createElement('button'), {
          type: 'button',
          textContent: label,
          title: key ? `${name} (${mod}${key})` : name
        })
        control.dataset.command = label.toLowerCase()
        control.addEventListener('mousedown', event => event.preventDefault()) // the editor keeps its focus
        control.addEventListener('click', () => {
          if (control.ariaDisabled !== 'true') run(command)
        })
        element.append(control)
        drawn.push({ ...button, control })
      }
      rove(element)

      const draw = () => {
        const { $from, $to } = view.state.selection
        const at = blocks.findIndex(([, , is]) => $from.sameParent($to) && is($from.parent))
        select.selectedIndex = at < 0 ? blocks.length : at
        for (const { control, command, on } of drawn) {
          if (on) control.ariaPressed = String(on(view.state))
          control.ariaDisabled = String(!command(view.state))
        }
      }
      draw()
      return { update: draw }
    }
  })
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
