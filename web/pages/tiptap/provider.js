const providers = {
  hocuspocus: ['the Hocuspocus provider', async () => (await import('./hocuspocus.js')).hocuspocus],
  websocket: ['y-websocket', async () => (await import('../../shared/websocket.js')).websocket]
}

// chosen returns how to join a room through the provider that the page's address names,
// ?provider=websocket or hocuspocus, the default. It loads no other provider, and shows
// in #about which it is.
export async function chosen () {
  const query = new URLSearchParams(location.search)
  const [name, other] = query.get('provider') === 'websocket' ? ['websocket', 'hocuspocus'] : ['hocuspocus', 'websocket']
  document.getElementById('provider').textContent = providers[name][0]
  const link = document.getElementById('other-provider')
  link.lastElementChild.textContent = providers[other][0]
  query.set('provider', other)
  link.href = '?' + query
  return providers[name][1]()
}
