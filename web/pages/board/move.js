import { make } from './make.js'

const dialog = document.getElementById('move-dialog')
const places = document.getElementById('move-places')
document.getElementById('move-close').addEventListener('click', () => dialog.close())
dialog.addEventListener('click', event => {
  if (event.target === dialog) dialog.close() // on the backdrop
})

// askPlace opens a dialog with the places to which a card can be moved from its own, and
// calls move(column, index) with the chosen one.
export function askPlace (title, columns, { column, index }, move) {
  const last = column.cards.length - 1
  const within = [['To the top', 0], ['Up', index - 1], ['Down', index + 1], ['To the bottom', last]]
    .filter(([, to]) => to >= 0 && to <= last && to !== index)
    .map(([label, to]) => [label, column, to])
  const across = columns.filter(other => other.id !== column.id).map(other => [`To “${other.title}”`, other, other.cards.length])
  document.getElementById('move-title').textContent = `Move “${title}”`
  places.replaceChildren(...[...within, ...across].map(([label, to, at]) => {
    const button = make('button', { type: 'button', textContent: label })
    button.addEventListener('click', () => {
      dialog.close()
      move(to.id, at)
    })
    return button
  }))
  dialog.showModal()
  places.firstElementChild?.focus()
}
