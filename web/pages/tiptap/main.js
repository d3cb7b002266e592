import { Editor, Extension } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { StarterKit } from '@tiptap/starter-kit'
import { caret, selectionStyle } from '../../shared/caret.js'
import { emptyHint } from '../../shared/hint.js'
import { safe } from '../../shared/link.js'
import { enter } from '../../shared/room.js'
import { asXML } from '../../shared/xml.js'
import { chosen } from './provider.js'
import { tools } from './tools.js'

const root = 'default' // as TipTap calls it where no other name is given
const { doc, awareness, readonly, connect } = enter(await chosen(), doc => asXML(doc.getXmlFragment(root)))

const editor = new Editor({
  element: document.getElementById('frame'),
  editable: !readonly,
  injectCSS: false, // the page's policy forbids it
  extensions: [
    StarterKit.configure({
      undoRedo: false, // Collaboration has its own
      trailingNode: false, // it would write into the document whenever it is opened
      link: { openOnClick: false, defaultProtocol: 'https', isAllowedUri: safe }
    }),
    Collaboration.configure({ document: doc, field: root }),
    CollaborationCaret.configure({
      provider: { awareness },
      user: awareness.getLocalState().user,
      render: caret,
      selectionRender: user => ({ class: 'selection', style: selectionStyle(user) })
    }),
    Extension.create({
      name: 'hint',
      addProseMirrorPlugins: () => [emptyHint(readonly ? '' : 'Write something. Everyone who has the link sees it at once.')]
    })
  ],
  editorProps: {
    attributes: {
      id: 'editor',
      role: 'textbox',
      'aria-multiline': 'true',
      'aria-label': 'Document',
      'aria-readonly': String(readonly),
      tabindex: '0'
    }
  }
})
if (!readonly) tools(document.getElementById('toolbar'), editor)
connect()
