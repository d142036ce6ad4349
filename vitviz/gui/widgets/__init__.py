"""Small widgets that panels, views and dialogs are made of."""
