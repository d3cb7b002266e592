// arrange makes elements the children of a parent, in their order. What is gone is removed
// first, and what is in its place isn't moved: an element that is moved loses the focus.
export function arrange (parent, elements) {
  const kept = new Set(elements)
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove()
  elements.forEach((element, i) => {
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null)
  })
}
