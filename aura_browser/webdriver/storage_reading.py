"""The script that reads an origin's IndexedDB, in the form of Playwright's storage state."""

from typing import Final

READ_DATABASES: Final = """
const MAX_CHARS = 1 << 20, MAX_RECORDS = 2000, MAX_DEPTH = 64, MAX_TIME = 500;
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const views = {
  Int8Array: 'i8', Uint8Array: 'ui8', Uint8ClampedArray: 'ui8c', Int16Array: 'i16', Uint16Array: 'ui16',
  Int32Array: 'i32', Uint32Array: 'ui32', Float32Array: 'f32', Float64Array: 'f64', BigInt64Array: 'bi64',
  BigUint64Array: 'bui64',
};
const isPlain = (value) => Object.getPrototypeOf(value) === Object.prototype;
const isJson = (value, depth = 0) => {
  if (depth > MAX_DEPTH) return false;
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value))
    return Object.keys(value).length === value.length && value.every((each) => isJson(each, depth + 1));
  return isPlain(value) && Object.values(value).every((each) => isJson(each, depth + 1));
};
const encode = (value, seen, depth = 0) => {
  if (depth > MAX_DEPTH) throw new Error('it is nested too deeply');
  if (value === undefined) return {v: 'undefined'};
  if (value === null) return {v: 'null'};
  if (typeof value === 'bigint') return {bi: String(value)};
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number')
    return Object.is(value, -0) ? {v: '-0'} : Number.isFinite(value) ? value : {v: String(value)};
  if (value instanceof Date) return {d: value.toJSON()};
  if (value instanceof RegExp) return {r: {p: value.source, f: value.flags}};
  if (value instanceof ArrayBuffer) return {ab: {b: base64(new Uint8Array(value))}};
  const kind = views[Object.prototype.toString.call(value).slice(8, -1)];
  if (kind) return {ta: {b: base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)), k: kind}};
  if (seen.has(value)) return {ref: seen.get(value)};
  const id = seen.size + 1;
  seen.set(value, id);
  if (Array.isArray(value)) return {a: Array.from(value, (each) => encode(each, seen, depth + 1)), id};
  if (!isPlain(value)) throw new Error('it holds what is no text');
  return {o: Object.entries(value).map(([k, v]) => ({k, v: encode(v, seen, depth + 1)})), id};
};
const write = (name, value) =>
  isJson(value) ? {[name]: value} : {[`${name}Encoded`]: encode(value, new Map())};
const path = (made) =>
  made.keyPath === null ? {} : Array.isArray(made.keyPath) ? {keyPathArray: made.keyPath} : {keyPath: made.keyPath};
const readStore = async (store) => {
  const keys = store.keyPath === null ? await done(store.getAllKeys(null, MAX_RECORDS + 1)) : [];
  const values = await done(store.getAll(null, MAX_RECORDS + 1));
  if (values.length > MAX_RECORDS) throw new Error('it is too large');
  return {
    name: store.name,
    autoIncrement: store.autoIncrement,
    ...path(store),
    records: values.map((value, n) => ({
      ...(store.keyPath === null ? write('key', keys[n]) : {}),
      ...write('value', value),
    })),
    indexes: Array.from(store.indexNames, (name) => store.index(name)).map((index) => (
      {name: index.name, ...path(index), multiEntry: index.multiEntry, unique: index.unique}
    )),
  };
};
const readDatabase = async ({name, version}) => {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => request.transaction.abort();  // it has been deleted since it was listed
  const database = await done(request);
  database.onversionchange = () => database.close();
  try {
    const names = Array.from(database.objectStoreNames);
    if (!names.length) return {name, version, stores: []};
    const transaction = database.transaction(names, 'readonly');
    const stores = await Promise.all(names.map((each) => readStore(transaction.objectStore(each))));
    return {name, version, stores};
  } finally {
    database.close();
  }
};
const readDatabases = async () => {
  const read = [], left = [];
  const work = async () => {
    let size = 0;
    for (const each of await indexedDB.databases()) {
      left.push(String(each.name));
      try {
        const database = await readDatabase(each);
        size += JSON.stringify(database).length;
        if (size > MAX_CHARS) continue;
        read.push(database);
        left.pop();
      } catch (error) {}
    }
  };
  try {
    await Promise.race([work(), new Promise((resolve) => setTimeout(resolve, MAX_TIME))]);
  } catch (error) {}
  return {read: [...read], left: [...left]};
};
"""
"""Declares ``readDatabases``, which returns the databases that could be read, and the names of the others.

A database over a million characters, with binary objects or keys of WebCrypto, is not read; nor is one that takes half
a second. The coded values are those of Playwright's ``utilityScriptSerializers``; ``storage_script`` writes them.
"""
