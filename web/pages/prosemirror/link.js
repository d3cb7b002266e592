import { askLink } from '../../shared/link.js'
import { setLink } from './commands.js'
import { schema } from './schema.js'

// link asks for the address of a link on the selection. As a command it always applies.
export function link (state, dispatch, view) {
  if (!dispatch) return true
  const { $from, from, to } = state.selection
  let old = schema.marks.link.isInSet($from.marks())?.attrs.href ?? ''
  state.doc.nodesBetween(from, to, node => {
    old ||= schema.marks.link.isInSet(node.marks)?.attrs.href ?? ''
  })
  askLink(old, href => {
    view.focus()
    if (href !== undefined) setLink(href)(view.state, view.dispatch)
  })
  return true
}
