import { indentWithTab } from '@codemirror/commands'
import { indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { Compartment, EditorState } from '@codemirror/state'
import { keymap } from '@codemirror/view'
import { classHighlighter } from '@lezer/highlight'
import { languageOf } from './languages.js'

// code returns the extension that highlights and indents by the language that the room's
// name ends in, and load(view), which loads the language into an editor and says in
// #language what it is. Without a language, the text is plain, and Tab leaves the editor.
export function code (room, readonly) {
  const words = document.getElementById('language')
  const language = languageOf(room)
  if (!language) {
    words.append('Plain text. Code is highlighted and indented in a room whose name ends like the name of a file: ', ...examples(room), '.')
    return { extension: [], load: () => {} }
  }
  const grammar = new Compartment()
  return {
    extension: [
      grammar.of([]),
      syntaxHighlighting(classHighlighter),
      indentUnit.of(language.indent),
      EditorState.tabSize.of(4),
      readonly ? [] : [indentOnInput(), keymap.of([indentWithTab])]
    ],
    load: async view => {
      try {
        view.dispatch({ effects: grammar.reconfigure(await language.load()) })
        words.textContent = `${language.name}, by the end of the room’s name.` +
          (readonly ? '' : ' Tab indents; press Escape and then Tab to leave the editor.')
      } catch {
        words.textContent = `The highlighting of ${language.name} could not be loaded. Reload the page to try again.`
      }
    }
  }
}

// examples returns links to rooms with other names.
const examples = room => ['py', 'go', 'js'].flatMap((end, i) => {
  const link = document.createElement('a')
  link.textContent = `${room}.${end}`
  link.href = `/codemirror/${encodeURIComponent(link.textContent)}`
  return i === 0 ? [link] : [', ', link]
})
