// Lets Node.js import style sheets, as bundlers do.
export const load = (url, context, next) =>
  url.endsWith('.css') ? { format: 'module', source: '', shortCircuit: true } : next(url, context)
