"""What an exported force field does: dynamics that is watched, normal modes."""
