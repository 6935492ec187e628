/** Every benchmark registers itself when imported here. */
export {}
