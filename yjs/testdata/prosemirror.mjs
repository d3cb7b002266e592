// Writes documents of ProseMirror editors that are bound to yjs: by @y/prosemirror 2 to yjs 14, and by y-prosemirror to yjs 13. Each is
// { name, binding, v1, v2, shown }: the document as updates in hex, and what the editor shows, as the JSON of ProseMirror. Run it in a folder
// that has the npm modules: those that are imported here, and jsdom.
//
//   node --input-type=module <yjs/testdata/prosemirror.mjs >yjs/testdata/prosemirror.jsonl

import { JSDOM } from 'jsdom'

const { window } = new JSDOM('<!DOCTYPE html>', { pretendToBeVisual: true })
for (const name of ['window', 'document', 'Node', 'MutationObserver', 'getComputedStyle', 'getSelection', 'innerHeight', 'requestAnimationFrame', 'cancelAnimationFrame']) {
  globalThis[name] ??= name === 'window' ? window : window[name]
}
const Y14 = await import('@y/y')
const binding2 = await import('@y/prosemirror')
const Y13 = await import('yjs')
const binding1 = await import('y-prosemirror')
const { Schema } = await import('prosemirror-model')
const { EditorState, TextSelection } = await import('prosemirror-state')
const { EditorView } = await import('prosemirror-view')
const basic = await import('prosemirror-schema-basic')

const spec = basic.schema.spec
const schema = new Schema({
  nodes: spec.nodes.update('doc', { content: 'block+', marks: 'comment' }),
  marks: spec.marks
    .addToEnd('comment', { attrs: { id: {} }, excludes: '', toDOM: () => ['span', 0] })
    .append(Object.fromEntries(['insert', 'delete', 'format'].map(kind => ['y-attributed-' + kind, { attrs: { userIds: { default: null }, userIdsByAttr: { default: null }, timestamp: { default: null } }, toDOM: () => ['span', 0] }])))
})
const node = (type, attrs, ...content) => schema.node(type, attrs, content.map(child => typeof child === 'string' ? schema.text(child) : child))
const marked = (text, ...marks) => schema.text(text, marks.map(mark => typeof mark === 'string' ? schema.mark(mark) : schema.mark(...mark)))
const at = (view, text) => {
  let found = -1
  view.state.doc.descendants((child, pos) => { if (child.isText && child.text.includes(text) && found < 0) found = pos + child.text.indexOf(text) })
  if (found < 0) throw new Error('the document has no text ' + text)
  return found
}
const edit = (view, change) => { view.dispatch(change(view.state.tr)) }
const write = (view, ...blocks) => edit(view, tr => tr.replaceWith(0, tr.doc.content.size, blocks))

// Each scenario edits the document of a view; other is that of a second person, and sync lets both receive what the other has done.
const scenarios = {
  'an empty paragraph' (view) {
    write(view, node('paragraph', null, 'x'))
    edit(view, tr => tr.delete(1, 2))
  },
  'text with marks' (view) {
    write(view, node('paragraph', null, 'plain ', marked('strong', 'strong'), ' ', marked('both', 'em', 'strong'), marked('link', ['link', { href: '/a?b=<c>', title: null }]), marked('code', 'code')))
  },
  structure (view) {
    write(view,
      node('heading', { level: 3 }, 'Title'),
      node('blockquote', null, node('paragraph', null, 'quoted'), node('blockquote', null, node('paragraph', null, 'deeper'))),
      node('horizontal_rule'),
      node('code_block', null, 'if (a < b) {\n\treturn "😀"\n}'),
      node('paragraph', null, 'a', node('hard_break'), 'b'),
      node('paragraph'))
  },
  'overlapping comments' (view) {
    write(view, node('paragraph', null, 'one two three four'))
    edit(view, tr => tr.addMark(1, 8, schema.mark('comment', { id: 1 })))
    edit(view, tr => tr.addMark(5, 14, schema.mark('comment', { id: 2 })))
  },
  'edits of text and marks' (view) {
    write(view, node('paragraph', null, 'The quick brown fox jumps over the lazy dog.'))
    edit(view, tr => tr.addMark(at(view, 'quick'), at(view, 'fox'), schema.mark('strong')))
    edit(view, tr => tr.addMark(at(view, 'brown'), at(view, 'fox') + 3, schema.mark('em')))
    edit(view, tr => tr.removeMark(at(view, 'brown'), at(view, 'brown') + 3, schema.marks.strong))
    edit(view, tr => tr.insertText('very ', at(view, 'lazy')))
    edit(view, tr => tr.delete(at(view, 'jumps'), at(view, 'jumps') + 6))
    edit(view, tr => tr.insertText('😀é中', at(view, 'wn')))
  },
  'splitting, joining and wrapping' (view) {
    write(view, node('paragraph', null, 'first half, second half'), node('paragraph', null, 'a third'), node('paragraph', null, 'a fourth'))
    edit(view, tr => tr.split(at(view, 'second')))
    edit(view, tr => tr.join(at(view, 'a fourth') - 1))
    edit(view, tr => tr.setBlockType(at(view, 'first'), undefined, schema.nodes.heading, { level: 2 }))
    const range = view.state.doc.resolve(at(view, 'second')).blockRange()
    edit(view, tr => tr.wrap(range, [{ type: schema.nodes.blockquote }]))
  },
  'two people at once' (view, other, sync) {
    write(view, node('paragraph', null, 'shared text'), node('paragraph', null, 'another'))
    sync()
    edit(view, tr => tr.insertText('ADA ', at(view, 'text')))
    edit(other, tr => tr.insertText('BOB ', at(other, 'text')))
    edit(other, tr => tr.addMark(at(other, 'shared'), at(other, 'shared') + 6, schema.mark('strong')))
    edit(view, tr => tr.delete(at(view, 'shared'), at(view, 'shared') + 3))
    edit(other, tr => tr.insert(tr.doc.content.size, node('heading', { level: 1 }, 'by Bob')))
    sync()
    edit(view, tr => tr.insertText('!', at(view, 'by Bob') + 6))
    edit(other, tr => tr.delete(at(other, 'another') - 1, at(other, 'another') + 8))
    sync()
  }
}

// Nodes with marks, which y-prosemirror doesn't write.
const scenarios2 = {
  'an image with marks' (view) {
    const image = schema.node('image', { src: 'a.png', alt: 'an image', title: null }, null, [schema.mark('link', { href: '/', title: 'home' }), schema.mark('em')])
    write(view, node('paragraph', null, 'before ', image, ' after'))
  },
  'a paragraph with a mark' (view) {
    write(view, node('paragraph', null, 'commented'), node('paragraph', null, 'not'))
    edit(view, tr => tr.addNodeMark(0, schema.mark('comment', { id: 7 })))
  }
}

const tick = () => new Promise(resolve => setTimeout(resolve, 5))

function view2 (ytype, renderer = null) {
  const view = new EditorView(document.createElement('div'), { state: EditorState.create({ schema, plugins: [binding2.syncPlugin()] }) })
  binding2.configureYProsemirror({ ytype, renderer })(view.state, view.dispatch)
  return view
}

function view1 (fragment) {
  const { doc, mapping } = binding1.initProseMirrorDoc(fragment, schema)
  return new EditorView(document.createElement('div'), { state: EditorState.create({ schema, doc, plugins: [binding1.ySyncPlugin(fragment, { mapping })] }) })
}

async function record (name, scenario, binding, Y, open) {
  const docs = [1, 2].map(n => {
    const doc = new Y.Doc()
    doc.clientID = binding === '@y/prosemirror' ? 2 ** 53 - 100 * n : 1000 * n
    return doc
  })
  const views = docs.map(open)
  await tick()
  const sync = () => {
    for (const [doc, other] of [docs, docs.toReversed()]) Y.applyUpdate(other, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)))
  }
  scenario(...views, sync)
  await tick()
  sync()
  await tick()
  const [shown, again] = views.map(view => JSON.stringify(view.state.doc.toJSON()))
  if (shown !== again) throw new Error(`${name}: the editors show\n${shown}\n${again}`)
  print(name, binding, docs[0], Y, views[0])
}

function print (name, binding, doc, Y, view) {
  const hex = update => Buffer.from(update).toString('hex')
  console.log(JSON.stringify({ name, binding, v1: hex(Y.encodeStateAsUpdate(doc)), v2: hex(Y.encodeStateAsUpdateV2(doc)), shown: view.state.doc.toJSON() }))
}

for (const [name, scenario] of Object.entries({ ...scenarios, ...scenarios2 })) {
  await record(name, scenario, '@y/prosemirror', Y14, doc => view2(doc.get('prosemirror')))
}
for (const [name, scenario] of Object.entries(scenarios)) {
  await record(name, scenario, 'y-prosemirror', Y13, doc => view1(doc.getXmlFragment('prosemirror')))
}

// One person suggests edits in a fork of the document, and some of them are accepted while another person types.
const base = new Y14.Doc({ gc: false })
const fork = new Y14.Doc({ gc: false, isSuggestionDoc: true })
base.clientID = 11
fork.clientID = 12
const typing = view2(base.get('prosemirror'))
write(typing, node('paragraph', null, 'The first sentence. The second sentence.'), node('paragraph', null, 'The end.'))
const renderer = Y14.createDiffRenderer(base, fork, { attrs: new Y14.Attributions() })
Y14.applyUpdate(fork, Y14.encodeStateAsUpdate(base))
renderer.suggestionMode = true
const suggesting = view2(fork.get('prosemirror'), renderer)
edit(suggesting, tr => tr.insertText('very ', at(suggesting, 'first')))
edit(suggesting, tr => tr.insertText('long ', at(suggesting, 'second')))
edit(suggesting, tr => tr.insertText('bitter ', at(suggesting, 'end')))
edit(typing, tr => tr.insertText('really ', at(typing, 'second')))
const inserted = at(suggesting, 'long ')
edit(suggesting, tr => tr.setSelection(TextSelection.create(tr.doc, inserted, inserted + 5)))
if (!binding2.acceptChanges(inserted, inserted + 4)(suggesting.state, suggesting.dispatch)) throw new Error('nothing was accepted')
edit(typing, tr => tr.insertText(' indeed', at(typing, 'end.') + 3))
print('a suggestion accepted in part', '@y/prosemirror', base, Y14, typing)
