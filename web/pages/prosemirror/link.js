import { link } from './commands.js'
import { safe, schema } from './schema.js'

const dialog = document.getElementById('link-dialog')
const input = document.getElementById('link-address')
for (const [id, result] of [['link-set', 'set'], ['link-remove', 'remove'], ['link-cancel', '']]) {
  document.getElementById(id).addEventListener('click', () => dialog.close(result))
}
input.addEventListener('keydown', event => {
  if (event.key !== 'Enter') return
  event.preventDefault()
  dialog.close('set')
})

// askLink opens a dialog for the address of a link on the selection. As a command
// it always applies.
export function askLink (state, dispatch, view) {
  if (!dispatch) return true
  const { $from, from, to } = state.selection
  let old = schema.marks.link.isInSet($from.marks())?.attrs.href ?? ''
  state.doc.nodesBetween(from, to, node => {
    old ||= schema.marks.link.isInSet(node.marks)?.attrs.href ?? ''
  })
  input.value = old
  document.getElementById('link-remove').hidden = old === ''
  dialog.returnValue = ''
  dialog.onclose = () => {
    view.focus()
    const entered = input.value.trim()
    if (dialog.returnValue === 'set' && entered !== '') {
      link(safe(entered) ? entered : 'https://' + entered)(view.state, view.dispatch)
    }
    if (dialog.returnValue === 'remove') link('')(view.state, view.dispatch)
  }
  dialog.showModal()
  input.select()
  return true
}
