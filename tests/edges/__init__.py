"""Where the main job meets the machine: other users, hostile pages, containers, forks, shells."""
