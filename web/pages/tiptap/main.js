import { Editor, Extension } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { StarterKit } from '@tiptap/starter-kit'
import { caret, selectionStyle, withClients } from '../../shared/caret.js'
import { emptyHint } from '../../shared/hint.js'
import { safe } from '../../shared/link.js'
import { enter } from '../../shared/room.js'
import { asXML } from '../../shared/xml.js'
import { chosen } from './provider.js'
import { tools } from './tools.js'

const root = 'default' // as TipTap calls it where no other name is given
const { doc, awareness, readonly, onAccess, connect } = enter(await chosen(), doc => asXML(doc.getXmlFragment(root)))

// access returns the options of the editor that depend on whether the user only reads.
const access = readonly => ({
  editable: !readonly,
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

const editor = new Editor({
  ...access(readonly),
  element: document.getElementById('frame'),
  injectCSS: false, // the page's policy forbids it
  extensions: [
    StarterKit.configure({
      undoRedo: false, // Collaboration has its own
      trailingNode: false, // it would write into the document whenever it is opened
      link: { openOnClick: false, defaultProtocol: 'https', isAllowedUri: safe }
    }),
    Collaboration.configure({ document: doc, field: root }),
    CollaborationCaret.configure({
      provider: { awareness: withClients(awareness) },
      user: awareness.getLocalState().user,
      render: caret,
      selectionRender: user => ({ class: 'selection', style: selectionStyle(user) })
    }),
    Extension.create({
      name: 'hint',
      addProseMirrorPlugins: () => [emptyHint('Write something. Everyone who has the link sees it at once.')]
    })
  ]
})
tools(document.getElementById('toolbar'), editor)
onAccess(readonly => editor.setOptions(access(readonly)))
connect()
