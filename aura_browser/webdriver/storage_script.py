"""The script that writes an origin's storage, in the form of Playwright's storage state, on a page of that origin."""

from typing import Final

WRITE_STORAGE: Final = """async (parts) => {
  let entries = 0;
  const problems = [];
  const note = (name, error) => problems.push([name, `${error && error.message || error}`.slice(0, 200)]);
  const fill = (name, storage, items) => {
    let failed = 0;
    let why = '';
    for (const item of items) {
      try {
        storage().setItem(item.name, item.value);
        entries++;
      } catch (error) {
        failed++;
        why = error.name;
      }
    }
    if (failed) problems.push([name, `${failed} of ${items.length} entries do not fit (${why})`]);
  };
  const special = {undefined, null: null, NaN, Infinity, '-Infinity': -Infinity, '-0': -0};
  const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const kinds = {
    i8: Int8Array, ui8: Uint8Array, ui8c: Uint8ClampedArray, i16: Int16Array, ui16: Uint16Array, i32: Int32Array,
    ui32: Uint32Array, f32: Float32Array, f64: Float64Array, bi64: BigInt64Array, bui64: BigUint64Array,
  };
  const decode = (coded, seen = new Map()) => {
    if (typeof coded !== 'object' || coded === null) return coded;
    if ('ref' in coded) return seen.get(coded.ref);
    if ('v' in coded) return special[coded.v];
    if ('d' in coded) return new Date(coded.d);
    if ('bi' in coded) return BigInt(coded.bi);
    if ('r' in coded) return new RegExp(coded.r.p, coded.r.f);
    if ('ab' in coded) return bytes(coded.ab.b).buffer;
    if ('ta' in coded) return new kinds[coded.ta.k](bytes(coded.ta.b).buffer);
    if ('a' in coded) {
      const list = [];
      seen.set(coded.id, list);
      for (const each of coded.a) list.push(decode(each, seen));
      return list;
    }
    if ('o' in coded) {
      const made = {};
      seen.set(coded.id, made);
      for (const {k, v} of coded.o) {
        const value = decode(v, seen);
        Object.defineProperty(made, k, {value, writable: true, enumerable: true, configurable: true});
      }
      return made;
    }
    throw new Error('a value of an unknown kind');
  };
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('the database is in use'));
  });
  const path = (made) => made.keyPathArray || (made.keyPath === undefined ? null : made.keyPath);
  const create = (database, store) => {
    const made = database.createObjectStore(store.name, {autoIncrement: !!store.autoIncrement, keyPath: path(store)});
    for (const index of store.indexes || [])
      made.createIndex(index.name, path(index), {unique: !!index.unique, multiEntry: !!index.multiEntry});
  };
  const put = async (database, store) => {
    const target = database.transaction(store.name, 'readwrite').objectStore(store.name);
    for (const record of store.records) {
      const value = 'valueEncoded' in record ? decode(record.valueEncoded) : record.value;
      const key = 'keyEncoded' in record ? decode(record.keyEncoded) : record.key;
      await done(target.keyPath === null ? target.put(value, key) : target.put(value));
      entries++;
    }
  };
  const rebuild = async (wanted) => {
    await done(indexedDB.deleteDatabase(wanted.name));
    const request = indexedDB.open(wanted.name, wanted.version);
    request.onupgradeneeded = () => wanted.stores.forEach((store) => create(request.result, store));
    const database = await done(request);
    try {
      for (const store of wanted.stores) if (store.records && store.records.length) await put(database, store);
    } finally {
      database.close();
    }
  };
  for (const [name, storage] of [['localStorage', () => localStorage], ['sessionStorage', () => sessionStorage]])
    if (parts[name]) fill(name === 'localStorage' ? 'local storage' : 'session storage', storage, parts[name]);
  for (const database of parts.indexedDB || []) {
    try {
      await rebuild(database);
    } catch (error) {
      note(`database ${database.name}`, error);
    }
  }
  for (const name of Object.keys(parts))
    if (!['localStorage', 'sessionStorage', 'indexedDB'].includes(name)) note(name, 'it is not put back');
  return {entries, problems};
}"""
"""A JavaScript function: takes the parts of one origin, returns how many entries were written, and the problems.

The coded values are those of Playwright's ``utilityScriptSerializers``; ``storage_reading`` writes them too.
"""
