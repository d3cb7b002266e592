// Makes a window of jsdom the global one, and adds what editors use of a layout and jsdom lacks.
import { JSDOM } from 'jsdom'

const { window } = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true, url: 'http://localhost/' })
globalThis.window = window
for (const name of Object.getOwnPropertyNames(window)) {
  if (!(name in globalThis) && !name.startsWith('_')) globalThis[name] = window[name]
}
for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent']) globalThis[name] = window[name].bind(window)
const noRects = () => []
const noRect = () => ({ left: 0, right: 0, top: 0, bottom: 0, width: 0, height: 0, x: 0, y: 0 })
for (const type of [window.Range, window.Element, window.Text]) {
  type.prototype.getClientRects = noRects
  type.prototype.getBoundingClientRect = noRect
}
window.document.elementFromPoint = () => null
window.matchMedia = () => ({ matches: false, addEventListener () {}, removeEventListener () {}, addListener () {}, removeListener () {} })
for (const name of ['ResizeObserver', 'IntersectionObserver']) {
  globalThis[name] = window[name] = class { observe () {} unobserve () {} disconnect () {} }
}

// element returns a new element of the page.
export const element = () => window.document.body.appendChild(window.document.createElement('div'))
