import { baseKeymap } from 'prosemirror-commands'
import { keymap } from 'prosemirror-keymap'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { ySyncPlugin, yCursorPlugin, yUndoPlugin } from 'y-prosemirror'
import { caret, selectionStyle } from '../../shared/caret.js'
import { enter } from '../../shared/room.js'
import { keys } from './commands.js'
import { emptyHint } from './hint.js'
import { rules } from './rules.js'
import { schema } from './schema.js'
import { toolbar } from './toolbar.js'
import { asXML } from './xml.js'

const root = 'prosemirror'
const { doc, provider, awareness, readonly } = enter(doc => asXML(doc.getXmlFragment(root)))

new EditorView(document.getElementById('frame'), {
  state: EditorState.create({
    schema,
    plugins: [
      ySyncPlugin(doc.getXmlFragment(root)),
      yCursorPlugin(awareness, {
        cursorBuilder: caret,
        selectionBuilder: user => ({ class: 'selection', style: selectionStyle(user) })
      }),
      yUndoPlugin(),
      rules,
      keymap(keys),
      keymap(baseKeymap),
      emptyHint(readonly ? '' : 'Write something. Everyone who has the link sees it at once.'),
      ...(readonly ? [] : [toolbar(document.getElementById('toolbar'))])
    ]
  }),
  editable: () => !readonly,
  attributes: {
    id: 'editor',
    role: 'textbox',
    'aria-multiline': 'true',
    'aria-label': 'Document',
    'aria-readonly': String(readonly),
    tabindex: '0'
  }
})
provider.connect()
