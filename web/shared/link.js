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

// safe reports whether a link may have this address: other clients write links too.
export const safe = href => /^(https?:|mailto:)/i.test(href)

// askLink opens a dialog for the address of a link, whose old one is '' if there is
// none. When it is closed, it calls done with the new address, with '' for none, or with
// undefined if nothing is to be changed.
export function askLink (old, done) {
  input.value = old
  document.getElementById('link-remove').hidden = old === ''
  dialog.returnValue = ''
  dialog.onclose = () => {
    const entered = input.value.trim()
    if (dialog.returnValue === 'set' && entered !== '') return done(safe(entered) ? entered : 'https://' + entered)
    done(dialog.returnValue === 'remove' ? '' : undefined)
  }
  dialog.showModal()
  input.select()
}
