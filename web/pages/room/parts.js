import * as Y from 'yjs'
import { asXML } from '../../shared/xml.js'

// parts returns what a root type holds, as { kind, text }. A document doesn't record
// the kinds of its root types, so they are derived from the content. One may hold
// both a sequence and entries under keys.
export function parts (type) {
  const found = []
  const kind = sequenceKind(type)
  if (kind === 'Text') found.push({ kind, text: Y.Text.prototype.toString.call(type) })
  if (kind === 'XML') found.push({ kind, text: xml(type) })
  if (kind === 'Array') found.push({ kind, text: json(items(type).map(plain)) })
  const entries = Y.Map.prototype.toJSON.call(type)
  if (Object.keys(entries).length > 0) found.push({ kind: 'Map', text: json(entries) })
  return found
}

// sequenceKind returns the kind of a sequence. The nodes of an XML fragment can have marks,
// which yjs 14 writes.
function sequenceKind (type) {
  let kind, marks
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const content = item.content
    if (content instanceof Y.ContentString || content instanceof Y.ContentEmbed) return 'Text'
    if (content instanceof Y.ContentFormat) {
      marks = 'Text'
      continue
    }
    kind ??= 'Array'
    if (content instanceof Y.ContentType && isXML(content.type)) kind = 'XML'
  }
  return kind ?? marks
}

function isXML (type) {
  return type instanceof Y.XmlElement || type instanceof Y.XmlText || type instanceof Y.XmlFragment || type instanceof Y.XmlHook
}

const items = type => Y.Array.prototype.toArray.call(type)
const plain = value => value instanceof Y.AbstractType ? value.toJSON() : value

function xml (type) {
  try {
    return asXML(type)
  } catch { // it holds something else than XML
    return items(type).map(String).join('\n')
  }
}

// json returns value as JSON, and has a notation for what JSON can't hold.
function json (value) {
  return JSON.stringify(value, (_, value) => {
    if (typeof value === 'bigint') return `${value}n`
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
    if (value instanceof Uint8Array) return `${value.length} bytes: ${Array.from(value.subarray(0, 64), byte => byte.toString(16).padStart(2, '0')).join('')}${value.length > 64 ? '…' : ''}`
    if (value instanceof Y.Doc) return `subdocument ${value.guid}`
    return value === undefined ? null : value
  }, 2)
}
