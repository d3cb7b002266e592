import { chainCommands, exitCode, lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands'
import { liftListItem, sinkListItem, splitListItem, wrapInList } from 'prosemirror-schema-list'
import { Selection } from 'prosemirror-state'
import { redoCommand, undoCommand } from 'y-prosemirror'
import { schema } from './schema.js'

const { nodes, marks } = schema

export const undo = undoCommand
export const redo = redoCommand
export const strong = toggleMark(marks.strong)
export const em = toggleMark(marks.em)
export const code = toggleMark(marks.code)
export const paragraph = setBlockType(nodes.paragraph)
export const heading = level => setBlockType(nodes.heading, { level })
export const codeBlock = setBlockType(nodes.code_block)
export const quote = inOrOut(nodes.blockquote, lift, wrapIn(nodes.blockquote))
export const bullets = inOrOut(nodes.bullet_list, liftListItem(nodes.list_item), wrapInList(nodes.bullet_list))
export const numbers = inOrOut(nodes.ordered_list, liftListItem(nodes.list_item), wrapInList(nodes.ordered_list))

// within reports whether the selection is in a node of the type.
export function within (state, type) {
  const { $from } = state.selection
  for (let depth = $from.depth; depth > 0; depth--) {
    if ($from.node(depth).type === type) return true
  }
  return false
}

// marked reports whether the mark is on the selection, or on the text typed next.
export function marked (state, type) {
  const { from, $from, to, empty } = state.selection
  return empty ? Boolean(type.isInSet(state.storedMarks ?? $from.marks())) : state.doc.rangeHasMark(from, to, type)
}

// setLink sets a link on the selection, or removes it if href is ''. If the selection
// is empty, it inserts the address itself.
export function setLink (href) {
  return (state, dispatch) => {
    const { from, to, empty } = state.selection
    if (href === '') return toggleMark(marks.link)(state, dispatch)
    const mark = marks.link.create({ href })
    if (empty) dispatch(state.tr.replaceSelectionWith(schema.text(href, [mark]), false))
    else dispatch(state.tr.removeMark(from, to, marks.link).addMark(from, to, mark))
    return true
  }
}

function inOrOut (type, leave, enter) {
  return (state, dispatch, view) => (within(state, type) ? leave : enter)(state, dispatch, view)
}

const newline = chainCommands(exitCode, (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView())
  return true
})

// leaveCode goes on with a paragraph after two empty lines at the end of a code block, and
// removes these lines.
function leaveCode (state, dispatch) {
  const { $cursor } = state.selection
  if ($cursor?.parent.type !== nodes.code_block || $cursor.parentOffset < $cursor.parent.content.size || !$cursor.parent.textContent.endsWith('\n\n')) return false
  const tr = state.tr.delete($cursor.pos - 2, $cursor.pos)
  const after = tr.selection.$from.after()
  tr.insert(after, nodes.paragraph.create())
  dispatch?.(tr.setSelection(Selection.near(tr.doc.resolve(after + 1))).scrollIntoView())
  return true
}

// keys handles Tab only in lists: elsewhere it moves the focus out of the editor.
export const keys = {
  'Mod-z': undo,
  'Mod-y': redo,
  'Mod-Shift-z': redo,
  'Mod-b': strong,
  'Mod-i': em,
  'Mod-e': code,
  'Mod-Alt-0': paragraph,
  'Mod-Alt-1': heading(1),
  'Mod-Alt-2': heading(2),
  'Mod-Alt-3': heading(3),
  'Mod-Shift-7': numbers,
  'Mod-Shift-8': bullets,
  'Mod-Shift-9': quote,
  'Shift-Enter': newline,
  'Mod-Enter': newline,
  Enter: chainCommands(leaveCode, splitListItem(nodes.list_item)),
  Tab: sinkListItem(nodes.list_item),
  'Shift-Tab': liftListItem(nodes.list_item)
}
