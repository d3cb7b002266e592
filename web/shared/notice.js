const patience = 1500 // ms for which a reason must last before it is shown, because it may soon be over

// showNotice says in #notice why the page isn't connected, if the server gave a reason, and
// what becomes of what is written.
export function showNotice ({ saved, status }) {
  const notice = document.getElementById('notice')
  const text = document.getElementById('reason')
  const reload = document.getElementById('reload')
  let wait

  const show = (now, reason) => {
    notice.dataset.state = now
    notice.hidden = reason === ''
    reload.hidden = now !== 'closed'
    text.textContent = reason && `${reason} ${then(now)}`
  }
  const then = now => {
    if (now !== 'closed') return 'This page goes on trying to connect.'
    const writes = saved.loaded && !document.documentElement.classList.contains('readonly')
    return writes ? 'Nothing more is saved. Copy what you still need before you reload the page.' : 'Open another room, or reload the page to try again.'
  }
  status.on((now, reason) => {
    clearTimeout(wait)
    wait = setTimeout(show, now === 'closed' || reason === '' ? 0 : patience, now, reason)
  })
  reload.addEventListener('click', () => location.reload())
}
