// y-prosemirror with the basic schema and lists.
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { Schema } from 'prosemirror-model'
import { schema as basic } from 'prosemirror-schema-basic'
import { addListNodes } from 'prosemirror-schema-list'
import { ySyncPlugin } from 'y-prosemirror'
import { element } from './dom.mjs'

const schema = new Schema({ nodes: addListNodes(basic.spec.nodes, 'paragraph block*', 'block'), marks: basic.spec.marks })
const { nodes, marks } = schema
const text = (s, ...with_) => schema.text(s, with_)
const paragraph = (...content) => nodes.paragraph.create(null, content)

export const packages = ['y-prosemirror', 'prosemirror-model']

export const bind = (doc) => {
  const view = new EditorView(element(), {
    state: EditorState.create({ schema, plugins: [ySyncPlugin(doc.getXmlFragment('prosemirror'))] })
  })
  const end = () => view.state.doc.content.size
  const steps = [
    (author) => view.state.tr.insert(0, [
      nodes.heading.create({ level: 1 + author }, text(`Title by ${author} 🌍`)),
      paragraph(text('plain, '), text('bold', marks.strong.create()), text(' and '), text('a link', marks.link.create({ href: `https://example.org/${author}`, title: null })), text('.'))
    ]),
    (author) => view.state.tr.insert(end(), [
      nodes.bullet_list.create(null, [
        nodes.list_item.create(null, [paragraph(text('one'))]),
        nodes.list_item.create(null, [paragraph(text('two')), nodes.ordered_list.create({ order: 3 }, [nodes.list_item.create(null, [paragraph(text('nested', marks.em.create()))])])])
      ]),
      nodes.code_block.create(null, [text(`if (a < b) { return "${author}" }`)]),
      nodes.horizontal_rule.create()
    ]),
    (author) => view.state.tr.addMark(2, 6, marks.em.create()).insertText(` typed by ${author}`, 3),
    () => view.state.tr.delete(0, view.state.doc.firstChild.nodeSize), // with all that it holds
    (author) => view.state.tr.insert(end(), [
      nodes.blockquote.create(null, [paragraph(text('quoted'), nodes.image.create({ src: 'a.png', alt: 'An image', title: null }), nodes.hard_break.create(), text(`after ${author}`, marks.code.create()))])
    ]),
    () => view.state.tr.removeMark(0, end(), marks.em).delete(2, 4)
  ]
  return {
    rounds: steps.length,
    act: (author, round) => view.dispatch(steps[round](author)),
    view: () => view.state.doc.toJSON(),
    close: () => view.destroy()
  }
}
