// showServerView makes #server-view open a dialog with the document as stored by
// the server. asText returns its text. The dialog is updated while it is open.
export function showServerView (saved, asText) {
  const dialog = document.getElementById('server-dialog')
  const content = document.getElementById('server-document')
  const size = document.getElementById('server-size')
  let wanted = false
  const draw = () => {
    wanted = false
    const text = asText(saved.document)
    content.textContent = text === '' ? 'Nothing yet.' : text
    size.textContent = saved.loaded ? `${text.length.toLocaleString('en')} characters, as sent by the server.` : 'The server has not sent it yet.'
  }
  saved.onChange(() => {
    if (!dialog.open || wanted) return
    wanted = true
    requestAnimationFrame(draw)
  })
  document.getElementById('server-view').addEventListener('click', () => {
    draw()
    dialog.showModal()
  })
  document.getElementById('server-close').addEventListener('click', () => dialog.close())
  dialog.addEventListener('click', event => {
    if (event.target === dialog) dialog.close() // on the backdrop
  })
}
