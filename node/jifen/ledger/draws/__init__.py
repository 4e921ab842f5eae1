"""Prize draws that nobody can steer."""
