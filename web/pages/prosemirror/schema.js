import { Schema } from 'prosemirror-model'
import { schema as basic } from 'prosemirror-schema-basic'
import { addListNodes } from 'prosemirror-schema-list'
import { safe } from '../../shared/link.js'

// schema has paragraphs, headings, quotes, code, rules and lists, with strong,
// em, code and link. It has no images: they would be loaded from other servers.
export const schema = new Schema({
  nodes: addListNodes(basic.spec.nodes.remove('image'), 'paragraph block*', 'block'),
  marks: basic.spec.marks.update('link', {
    ...basic.spec.marks.get('link'),
    toDOM: ({ attrs: { href, title } }) => ['a', safe(href) ? { href, title, target: '_blank', rel: 'noopener noreferrer' } : { title }, 0]
  })
})
