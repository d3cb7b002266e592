import { InputRule, inputRules, textblockTypeInputRule, wrappingInputRule } from 'prosemirror-inputrules'
import { Plugin } from 'prosemirror-state'
import { yUndoPluginKey } from 'y-prosemirror'
import { undo } from './commands.js'
import { schema } from './schema.js'

const { nodes, marks } = schema

// Markdown by which people format while they type, at the start of a line or around words.
// A mark must not be within a word, as in 2*3*4, or have a space on its inner side.
const plugin = inputRules({
  rules: [
    textblockTypeInputRule(/^(#{1,3})\s$/, nodes.heading, match => ({ level: match[1].length })),
    textblockTypeInputRule(/^```$/, nodes.code_block),
    wrappingInputRule(/^>\s$/, nodes.blockquote),
    wrappingInputRule(/^[-*+]\s$/, nodes.bullet_list),
    wrappingInputRule(/^(\d+)\.\s$/, nodes.ordered_list, match => ({ order: +match[1] })),
    markRule(/(?<![\w*])(\*\*)(?![\s*])([^*]*[^\s*])\*\*$/, marks.strong),
    markRule(/(?<![\w_])(__)(?![\s_])([^_]*[^\s_])__$/, marks.strong),
    markRule(/(?<![\w*])(\*)(?![\s*])([^*]*[^\s*])\*$/, marks.em),
    markRule(/(?<![\w_])(_)(?![\s_])([^_]*[^\s_])_$/, marks.em),
    markRule(/(?<!`)(`)(?!`)([^`]+)`$/, marks.code)
  ].map(apart)
})

const last = /[\s*_`]$/ // the ends of what rules match
let applied // the undo manager's item of the rule that was just applied

// rules applies the Markdown that is typed. The last character is inserted before the rule
// is applied, so that undo brings back exactly what was typed. Backspace does the same if it
// is the next key. An Enter after a fence does nothing, because the block has begun.
export const rules = [
  new Plugin({
    props: {
      handleTextInput (view, from, to, text, insertion) {
        if (!last.test(text)) return false
        view.dispatch(insertion())
        const { $cursor } = view.state.selection
        if ($cursor) plugin.props.handleTextInput(view, $cursor.pos, $cursor.pos, '')
        return true
      },
      handleKeyDown ({ state }, { key }) {
        if (['Shift', 'Control', 'Alt', 'Meta'].includes(key)) return false
        const fresh = applied && applied === history(state).undoStack.at(-1)
        applied = undefined
        if (key === 'Enter') return fresh && state.selection.$from.parent.type === nodes.code_block
        return fresh && key === 'Backspace' && undo(state, () => {})
      },
      handleDOMEvents: {
        mousedown: () => { applied = undefined }
      }
    }
  }),
  plugin
]

const history = state => yUndoPluginKey.getState(state).undoManager

// markRule returns a rule that marks the text in the second group of match, and deletes
// what is around it, which is the first group on both sides.
function markRule (match, type) {
  return new InputRule(match, (state, [, { length }, text], start, end) => {
    const from = start + length
    if (!state.doc.resolve(start).parent.type.allowsMarkType(type)) return null
    return state.tr
      .delete(end - length, end)
      .delete(start, from)
      .addMark(start, start + text.length, type.create())
      .removeStoredMark(type)
  }, { inCodeMark: false })
}

// apart returns a rule whose change is a step of its own for undo.
function apart (rule) {
  const { handler } = rule
  rule.handler = (state, ...match) => {
    const change = handler(state, ...match)
    if (change) {
      history(state).stopCapturing()
      history(state).once('stack-item-added', ({ stackItem }) => {
        applied = stackItem
        history(state).stopCapturing()
      })
    }
    return change
  }
  return rule
}
