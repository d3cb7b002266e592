import * as Y from 'yjs'

const longest = 160 // characters of a text that are shown in one line
const most = 1000 // parts of a document that are read for one line

// The document as a tree. A node is { id, label, kind, text, children }: what names it
// among its siblings, its key, what it is, and two functions, which are called only for
// what is shown: text returns the beginning of what it holds in one line, and children its
// children. A node without children has no such function.

// roots returns the nodes of the root types.
export function roots (doc) {
  return [...doc.share].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, type]) => ofType(type, name, name === '' ? '(no name)' : name))
    .filter(node => node.children)
}

// ofType returns the node of a type. What kind a root is isn't recorded, and a type may hold
// both a sequence and entries under keys, so all of it follows from the content.
function ofType (type, id, label) {
  const children = () => [...entries(type), ...sequence(type)]
  const held = first(type) !== undefined
  return { id, label, kind: kindOf(type), text: () => beginning(type), children: held ? children : undefined }
}

function kindOf (type) {
  if (type instanceof Y.XmlElement) return `<${type.nodeName}>`
  if (type instanceof Y.XmlText || type instanceof Y.Text) return 'Text'
  if (type instanceof Y.XmlFragment) return 'XML'
  if (type instanceof Y.Array) return 'Array'
  if (type instanceof Y.Map) return 'Map'
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || item.content instanceof Y.ContentFormat) continue
    if (item.content instanceof Y.ContentString || item.content instanceof Y.ContentEmbed) return 'Text'
    return item.content instanceof Y.ContentType && isXML(item.content.type) ? 'XML' : 'Array'
  }
  return 'Map'
}

const isXML = type => type instanceof Y.XmlElement || type instanceof Y.XmlText || type instanceof Y.XmlFragment || type instanceof Y.XmlHook

// first returns a part of a type, undefined if it is empty.
function first (type) {
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted && item.countable) return item
  for (const item of type._map.values()) if (!item.deleted) return item
}

// entries returns the nodes of the entries under keys, such as those of a map and the
// attributes of an XML element.
function entries (type) {
  const inXML = type instanceof Y.XmlElement
  return [...type._map].filter(([, item]) => !item.deleted).sort(([a], [b]) => a < b ? -1 : 1).map(([key, item]) => {
    const value = item.content.getContent()[item.length - 1]
    return ofValue(value, `key ${key}`, inXML ? `@${key}` : key)
  })
}

// sequence returns the nodes of a sequence. Characters with the same marks are one node. A
// text in an XML element has no node of its own: its characters take its place.
function sequence (type) {
  const nodes = []
  let marks = {}
  let run
  let index = 0
  const end = () => {
    if (run) {
      const { text, marks } = run
      nodes.push({ id: `text ${nodes.length}`, label: '', kind: Object.keys(marks).join(', '), text: () => JSON.stringify(cut(text)) })
    }
    run = undefined
  }
  const add = type => {
    for (let item = type._start; item !== null; item = item.right) {
      if (item.deleted) continue
      const content = item.content
      if (content instanceof Y.ContentString) {
        run ??= { text: '', marks: { ...marks } }
        if (run.text.length <= longest) run.text += content.str
      } else if (content instanceof Y.ContentFormat) {
        end()
        if (content.value === null) delete marks[content.key]
        else marks[content.key] = content.value
      } else if (content instanceof Y.ContentType && content.type instanceof Y.XmlText && content.type._map.size === 0) {
        end()
        marks = {}
        add(content.type)
        end()
        marks = {}
      } else {
        end()
        content.getContent().forEach((value, i) => {
          const id = `${item.id.client} ${item.id.clock + i}`
          nodes.push(ofValue(value, id, isXML(value) ? '' : String(index)))
          index++
        })
      }
    }
  }
  add(type)
  end()
  return nodes
}

// ofValue returns the node of a value in a type, or in JSON.
function ofValue (value, id, label) {
  if (value instanceof Y.AbstractType) return ofType(value, id, label)
  if (value instanceof Y.Doc) return { id, label, kind: 'subdocument', text: () => value.guid }
  if (value instanceof Uint8Array) return { id, label, kind: `${value.length.toLocaleString('en')} bytes`, text: () => hex(value) }
  const node = { id, label, kind: '', text: () => beginning(value) }
  if (value !== null && typeof value === 'object' && Object.keys(value).length > 0) {
    node.kind = Array.isArray(value) ? 'array' : 'object'
    node.children = () => Object.entries(value).map(([key, inner]) => ofValue(inner, key, key))
  }
  return node
}

const hex = bytes => cut(Array.from(bytes.subarray(0, longest), byte => byte.toString(16).padStart(2, '0')).join(''))
const cut = text => text.length > longest ? text.slice(0, longest).toWellFormed() + '…' : text

// beginning returns the beginning of a value in one line. It reads little more than it shows,
// and gives up where much shows nothing, such as elements without text.
function beginning (value) {
  let text = ''
  let read = 0
  const full = () => text.length > longest || read > most
  const add = value => {
    if (full()) return
    read++
    if (value instanceof Y.AbstractType) addType(value)
    else if (value instanceof Y.Doc) text += 'subdocument'
    else if (value instanceof Uint8Array) text += hex(value)
    else if (Array.isArray(value)) list('[', ']', value, add)
    else if (value !== null && typeof value === 'object') list('{', '}', Object.entries(value), ([key, inner]) => { text += key + ': '; add(inner) })
    else if (typeof value === 'string') text += JSON.stringify(value.slice(0, longest + 1))
    else text += typeof value === 'bigint' ? `${value}n` : String(value)
  }
  const list = (open, close, values, one) => {
    text += open
    for (let i = 0; i < values.length && !full(); i++) {
      if (i > 0) text += ', '
      one(values[i])
    }
    text += close
  }
  const addType = type => {
    const kind = kindOf(type)
    if (kind === 'Map') list('{', '}', [...type._map].filter(([, item]) => !item.deleted), ([key, item]) => { text += key + ': '; add(item.content.getContent()[item.length - 1]) })
    else if (kind === 'Array') list('[', ']', parts(type), add)
    else characters(type)
  }
  // The characters of a text, or of an XML element and what is in it.
  const characters = type => {
    for (const part of parts(type)) {
      if (full()) return
      read++
      if (typeof part === 'string') text += part
      else if (part instanceof Y.AbstractType) {
        if (text !== '' && !(part instanceof Y.XmlText)) text += ' '
        characters(part)
      } else add(part)
    }
  }
  const parts = type => {
    const found = []
    for (let item = type._start; item !== null && found.length <= longest; item = item.right) {
      if (item.deleted || !item.countable) continue
      if (item.content instanceof Y.ContentString) found.push(item.content.str)
      else found.push(...item.content.getContent().slice(0, longest))
    }
    return found
  }
  add(value)
  return cut(text).replace(/\s+/g, ' ').trim()
}
