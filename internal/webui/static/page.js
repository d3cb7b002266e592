// The copy buttons. Where the browser denies the page the clipboard (plain http
// on another machine), a button selects the text, for the user to copy.
for (const button of document.querySelectorAll('button[data-copies]')) {
  const source = document.getElementById(button.dataset.copies)
  const label = button.textContent
  button.hidden = false
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.textContent)
      button.textContent = 'Copied'
    } catch {
      getSelection().selectAllChildren(source)
      button.textContent = 'Selected'
    }
    setTimeout(() => { button.textContent = label }, 2000)
  })
}
