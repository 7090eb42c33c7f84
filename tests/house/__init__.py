"""The project itself: its floors, its public names, its words and its pages."""
