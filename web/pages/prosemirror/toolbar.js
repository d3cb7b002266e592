import { Plugin } from 'prosemirror-state'
import { toolbar } from '../../shared/toolbar.js'
import * as commands from './commands.js'
import { schema } from './schema.js'
import { link } from './link.js'

const { nodes, marks } = schema

const kinds = [
  ['Paragraph', commands.paragraph, parent => parent.type === nodes.paragraph],
  ...[1, 2, 3].map(level => [`Heading ${level}`, commands.heading(level), parent => parent.type === nodes.heading && parent.attrs.level === level]),
  ['Code', commands.codeBlock, parent => parent.type === nodes.code_block]
]

const buttons = [
  { label: 'Bold', key: 'B', command: commands.strong, on: state => commands.marked(state, marks.strong) },
  { label: 'Italic', key: 'I', command: commands.em, on: state => commands.marked(state, marks.em) },
  { label: 'Code', name: 'Inline code', key: 'E', command: commands.code, on: state => commands.marked(state, marks.code) },
  { label: 'Link', command: link, on: state => commands.marked(state, marks.link) },
  null,
  { label: 'Bullets', name: 'Bullet list', key: 'Shift+8', command: commands.bullets, on: state => commands.within(state, nodes.bullet_list) },
  { label: 'Numbers', name: 'Numbered list', key: 'Shift+7', command: commands.numbers, on: state => commands.within(state, nodes.ordered_list) },
  { label: 'Quote', key: 'Shift+9', command: commands.quote, on: state => commands.within(state, nodes.blockquote) },
  null,
  { label: 'Undo', key: 'Z', command: commands.undo },
  { label: 'Redo', key: 'Shift+Z', command: commands.redo }
]

// tools is the toolbar in element as a plugin.
export function tools (element) {
  return new Plugin({
    view: view => {
      const run = command => () => {
        command(view.state, view.dispatch, view)
        view.focus()
      }
      const draw = toolbar(element,
        kinds.map(([label, command, is]) => ({
          label,
          run: run(command),
          on: () => {
            const { $from, $to } = view.state.selection
            return $from.sameParent($to) && is($from.parent)
          }
        })),
        buttons.map(button => button && {
          ...button,
          run: run(button.command),
          able: () => button.command(view.state),
          on: button.on && (() => button.on(view.state))
        }))
      draw()
      return { update: draw }
    }
  })
}
