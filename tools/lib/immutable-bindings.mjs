import MagicString from 'magic-string'
import { parseAst } from 'rolldown/parseAst'

/**
 * Makes every name at the top of a module a constant of the module itself. `renderChunk` of a rolldown plugin.
 *
 * V8 takes a `const` in a module's scope for a constant when it compiles, and with it what a constant object holds: a call goes
 * straight to its function, and `State.Established` is a number. Of function and class declarations, of imports and of what
 * is exported it does not know that nobody assigns to them: it loads and compares them each time (docs/decisions/0018). So
 *
 * - functions and classes become constants, functions first, because they could be called from anywhere,
 * - what is imported by name is copied to a constant,
 * - and what is exported is a copy.
 */
export function makeImmutable(code) {
  const text = new MagicString(code)
  const functions = []
  const imported = []
  let head = 0
  for (const node of parseAst(code).body) {
    if (node.type === 'ImportDeclaration') {
      head = node.end
      for (const specifier of node.specifiers) if (specifier.type === 'ImportSpecifier') imported.push(rename(text, specifier))
    } else if (node.type === 'FunctionDeclaration') functions.push(node)
    else if (node.type === 'ClassDeclaration') nameClass(text, node)
    else if (node.type === 'VariableDeclaration') setConstant(text, node)
    else if (node.type === 'ExportNamedDeclaration') exportCopies(text, node)
  }
  if (imported.length > 0) text.appendRight(head, `\nconst ${imported.join(', ')};`)
  for (const node of functions) {
    nameFunction(text, node)
    if (node.start > head) text.move(node.start, node.end, head)
  }
  return { code: text.toString(), map: text.generateMap({ hires: 'boundary' }) }
}

/** Of an import; returns the constant that takes its name. */
function rename(text, { imported, local }) {
  const alias = `${local.name}$in`
  text.overwrite(local.start, local.end, local.start === imported.start ? `${imported.name} as ${alias}` : alias)
  return `${local.name} = ${alias}`
}

/** `function f() {}` becomes `const f = function () {};`: it has the same name, and no other binding. */
function nameFunction(text, { id, start, end }) {
  text.prependRight(start, `\nconst ${id.name} = `)
  text.remove(id.start, id.end)
  text.appendLeft(end, ';')
}

/** The name stays where the class asks for itself while it is made. */
function nameClass(text, { id, start, end, body }) {
  text.appendLeft(start, `const ${id.name} = `)
  if (!body.body.some((member) => member.static === true || member.type === 'StaticBlock')) text.remove(id.start, id.end)
  text.appendLeft(end, ';')
}

/** What a bundler writes as `var`, so that it can be asked for before it is there. Nothing here is. */
function setConstant(text, { kind, start, declarations }) {
  if (kind === 'var' && declarations.every(({ init }) => init !== null)) text.overwrite(start, start + kind.length, 'const')
}

function exportCopies(text, { source, specifiers, start }) {
  if (source !== null) return
  const copies = specifiers.map(({ local, exported }) => {
    const copy = `${local.name}$out`
    text.overwrite(local.start, local.end, exported.start === local.start ? `${copy} as ${exported.name}` : copy)
    return `${copy} = ${local.name}`
  })
  if (copies.length > 0) text.appendLeft(start, `const ${copies.join(', ')};\n`)
}
