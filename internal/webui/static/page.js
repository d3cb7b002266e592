// The copy buttons. Where the page may not use the clipboard (plain http on
// another machine), the text is selected instead, ready to be copied by hand.
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
