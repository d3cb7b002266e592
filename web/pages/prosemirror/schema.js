import { Schema } from 'prosemirror-model'
import { schema as basic } from 'prosemirror-schema-basic'
import { addListNodes } from 'prosemirror-schema-list'
import { safe } from '../../shared/link.js'

const { nodes, marks } = basic.spec

// schema has paragraphs, headings, quotes, code, rules, lists and images, with strong, em,
// code and link. What Markdown says beyond that, the language of code, is kept: the editor
// deletes from the document what its schema doesn't have.
export const schema = new Schema({
  nodes: addListNodes(nodes.update('image', image(nodes.get('image'))).update('code_block', codeBlock(nodes.get('code_block'))), 'paragraph block*', 'block'),
  marks: marks.update('link', {
    ...marks.get('link'),
    toDOM: ({ attrs: { href, title } }) => ['a', safe(href) ? { href, title, target: '_blank', rel: 'noopener noreferrer' } : { title }, 0]
  })
})

// image returns a node that is shown as its text, or as its address if it has none. The
// image itself isn't loaded: it would come from another server.
function image (spec) {
  return {
    ...spec,
    parseDOM: [{ tag: 'span[data-src]', getAttrs: dom => ({ src: dom.dataset.src, alt: dom.dataset.alt ?? null, title: dom.getAttribute('title') }) }],
    toDOM: ({ attrs: { src, alt, title } }) => ['span', { 'data-src': src, 'data-alt': alt, title }, alt || src]
  }
}

// codeBlock returns a node with the language of the code, as the examples of y-prosemirror have it.
function codeBlock (spec) {
  return {
    ...spec,
    attrs: { params: { default: null } },
    parseDOM: [{ tag: 'pre', preserveWhitespace: 'full', getAttrs: dom => ({ params: dom.dataset.params ?? null }) }],
    toDOM: ({ attrs: { params } }) => ['pre', { 'data-params': params }, ['code', 0]]
  }
}
