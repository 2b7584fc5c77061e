/** Under which name the operator's fields stand in `managedFields`. */
export const fieldManager = 'kvorum-operator';
