import * as Y from 'yjs'

// asXML returns a fragment as indented XML. Text with marks is in elements named
// after them, as ProseMirror would write it. The text is in XML texts or, in documents of
// yjs 14, directly in the elements.
export function asXML (fragment) {
  return runs(fragment).map(run => write(run, '')).join('')
}

// runs returns the list of a type as text with the same marks, and other types.
const runs = type => Y.Text.prototype.toDelta.call(type)

function write ({ insert: node, attributes: marks }, indent) {
  if (isText(node)) return indent + text({ insert: node, attributes: marks }) + '\n'
  const tag = node.nodeName + attributes(node.getAttributes())
  const children = runs(node)
  if (children.length === 0) return `${indent}<${tag}/>\n`
  if (children.every(({ insert }) => isText(insert))) {
    return `${indent}<${tag}>${children.map(text).join('')}</${node.nodeName}>\n`
  }
  return `${indent}<${tag}>\n${children.map(child => write(child, indent + '  ')).join('')}${indent}</${node.nodeName}>\n`
}

const isText = node => typeof node === 'string' || node instanceof Y.XmlText

function text ({ insert, attributes: marks = {} }) {
  if (insert instanceof Y.XmlText) return runs(insert).map(text).join('')
  const content = typeof insert === 'string' ? escape(insert) : escape(JSON.stringify(insert))
  return Object.entries(marks).reduce((inner, [name, value]) => `<${name}${attributes(value)}>${inner}</${name}>`, content)
}

function attributes (values) {
  return Object.entries(Object(values))
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ` ${name}="${escape(String(value))}"`).join('')
}

const escape = text => text.replace(/[&<>"]/g, char => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char])
