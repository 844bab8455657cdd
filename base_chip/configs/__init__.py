"""The base configs that ship with the package, one YAML file each."""
